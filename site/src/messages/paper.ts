// The words of the printed sheet, in each language: the person who gets it may read another one than the staff do.

/** A sentence may have places for {practice}, {first}, {time} and {address}. */
interface Paper {
  title: string;
  greeting: string;
  until: string;
  scan: string;
  type: string;
  picture: string;
  need: string;
  names: string;
  password: string;
  before: string;
  username: string;
  later: string;
  keep: string;
  lost: string;
  forgotten: string;
}

export const PAPER = {
  en: {
    title: "Your way into the client portal of {practice}",
    greeting: "For {first}",
    until: "This sheet works once, until {time}.",
    scan: "Point the camera of your phone at this picture, and open the link that it shows.",
    type: "Or type this link into the address bar of a browser:",
    picture: "The link as a picture",
    need: "What you need",
    names: "The last name and the date of birth of the person in our care: you or, for example, your child.",
    password: "A new password. Several words that do not belong together are safe and easy to remember.",
    before: "If you sign in to this portal already, use the password that you have.",
    username: "Your username",
    later: "From then on you sign in with it and your password at:",
    keep: "This sheet is for you alone. Do not pass it on, and throw it away when you are done.",
    lost: "If you lose it, or it does not work any more, ask us for a new one. The old one then stops working.",
    forgotten: "We have no e-mail address of yours. If you forget your password, come to us in person. Once you are signed in, you can enter an address under “Your account”.",
  },
  es: {
    title: "Su entrada al portal de clientes de {practice}",
    greeting: "Para {first}",
    until: "Esta hoja sirve una sola vez, hasta el {time}.",
    scan: "Apunte con la cámara del teléfono a esta imagen y abra el enlace que aparece.",
    type: "O escriba este enlace en la barra de direcciones de un navegador:",
    picture: "El enlace en forma de imagen",
    need: "Qué necesita",
    names: "El apellido y la fecha de nacimiento de la persona a la que atendemos: usted o, por ejemplo, su hijo o hija.",
    password: "Una contraseña nueva. Varias palabras que no tienen relación entre sí son seguras y fáciles de recordar.",
    before: "Si ya entra en este portal, use la contraseña que tiene.",
    username: "Su nombre de usuario",
    later: "Desde entonces entra con él y con su contraseña en:",
    keep: "Esta hoja es solo para usted. No se la dé a nadie y tírela cuando termine.",
    lost: "Si la pierde o ya no funciona, pídanos otra. La anterior deja entonces de servir.",
    forgotten: "No tenemos ninguna dirección de correo suya. Si olvida la contraseña, venga a vernos en persona. Cuando haya entrado, puede añadir una dirección en «Su cuenta».",
  },
  fr: {
    title: "Votre accès au portail client de {practice}",
    greeting: "Pour {first}",
    until: "Cette feuille sert une seule fois, jusqu’au {time}.",
    scan: "Visez cette image avec l’appareil photo de votre téléphone, puis ouvrez le lien qui s’affiche.",
    type: "Ou tapez ce lien dans la barre d’adresse d’un navigateur :",
    picture: "Le lien sous forme d’image",
    need: "Ce qu’il vous faut",
    names: "Le nom de famille et la date de naissance de la personne que nous suivons : vous ou, par exemple, votre enfant.",
    password: "Un nouveau mot de passe. Plusieurs mots sans rapport entre eux sont sûrs et faciles à retenir.",
    before: "Si vous utilisez déjà ce portail, gardez votre mot de passe.",
    username: "Votre nom d’utilisateur",
    later: "Ensuite, vous vous connectez avec lui et votre mot de passe à l’adresse :",
    keep: "Cette feuille est pour vous seul. Ne la donnez à personne et jetez-la quand vous avez fini.",
    lost: "Si vous la perdez ou si elle ne fonctionne plus, demandez-nous-en une autre. L’ancienne cesse alors de fonctionner.",
    forgotten: "Nous n’avons pas d’adresse e-mail pour vous. Si vous oubliez votre mot de passe, venez nous voir. Une fois la connexion faite, vous pouvez ajouter une adresse sous « Votre compte ».",
  },
} satisfies Record<string, Paper>;

export type PaperLanguage = keyof typeof PAPER;

/** The day and the time, in the language of the sheet. */
export const sayUntil = (language: PaperLanguage, moment: string): string =>
  new Intl.DateTimeFormat(language, {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
    hour: "numeric",
    minute: "2-digit",
    timeZoneName: "short",
  }).format(new Date(moment));
