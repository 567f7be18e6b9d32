// Which column of a file is which field of a client: the guess that the person at the desk then corrects.

export const FIELDS = [
  "recordNumber",
  "firstName",
  "lastName",
  "preferredName",
  "dateOfBirth",
  "email",
  "mobilePhone",
  "homePhone",
  "workPhone",
  "professional",
] as const;
export type Field = (typeof FIELDS)[number];

/** Where each field stands, as the number of its column. */
export type Columns = Partial<Record<Field, number>>;

/** Without these there is no client; of the names one is enough. */
export const NEEDED: readonly Field[] = ["recordNumber", "dateOfBirth"];

/** Names of columns, folded: what programs and people call them, in English, Spanish and French. The first that
 *  a file has is taken. */
const NAMES: Record<Field, readonly string[]> = {
  recordNumber: [
    "recordnumber",
    "mrn",
    "medicalrecordnumber",
    "chartnumber",
    "chartid",
    "clientnumber",
    "clientid",
    "patientnumber",
    "patientid",
    "recordno",
    "recordid",
    "numerodehistoria",
    "historiaclinica",
    "numerodeexpediente",
    "expediente",
    "numerodedossier",
    "nodossier",
    "ipp",
    "id",
  ],
  firstName: ["firstname", "first", "givenname", "given", "forename", "nombre", "nombres", "prenom", "prenoms"],
  lastName: ["lastname", "last", "surname", "familyname", "family", "apellido", "apellidos", "nom", "nomdefamille"],
  preferredName: ["preferredname", "preferred", "nickname", "knownas", "nombrepreferido", "apodo", "prenomusuel", "surnom"],
  dateOfBirth: [
    "dateofbirth",
    "birthdate",
    "dob",
    "birthday",
    "born",
    "fechadenacimiento",
    "fechanacimiento",
    "nacimiento",
    "datedenaissance",
    "naissance",
    "ddn",
  ],
  email: ["email", "emailaddress", "mail", "correo", "correoelectronico", "courriel", "adressemail", "adresseemail"],
  mobilePhone: [
    "mobilephone",
    "mobile",
    "cellphone",
    "cell",
    "phone",
    "phonenumber",
    "telephone",
    "movil",
    "telefonomovil",
    "celular",
    "telefono",
    "portable",
    "telephoneportable",
  ],
  homePhone: ["homephone", "phonehome", "telefonofijo", "telefonodecasa", "telephonefixe", "telephonedomicile"],
  workPhone: ["workphone", "phonework", "businessphone", "telefonodetrabajo", "telephonetravail", "telephoneprofessionnel"],
  professional: [
    "professional",
    "provider",
    "clinician",
    "therapist",
    "practitioner",
    "primaryprovider",
    "doctor",
    "profesional",
    "terapeuta",
    "medico",
    "professionnel",
    "praticien",
    "medecin",
    "therapeute",
  ],
};

const fold = (name: string): string =>
  name
    .normalize("NFD")
    .replace(/[^\p{L}\p{N}]/gu, "")
    .toLowerCase();

export function guessColumns(columns: readonly string[]): Columns {
  const folded = columns.map(fold);
  const guess: Columns = {};
  for (const field of FIELDS) {
    const name = NAMES[field].find((each) => folded.includes(each));
    if (name !== undefined) guess[field] = folded.indexOf(name);
  }
  return guess;
}

/** The fields that are needed and have no column. */
export function missing(columns: Columns): Field[] {
  const none = NEEDED.filter((field) => columns[field] === undefined);
  const named = columns.firstName !== undefined || columns.lastName !== undefined;
  return named ? none : [...none, "lastName"];
}
