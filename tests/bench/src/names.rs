//! Clients who could exist: the same one for the same number, in every run. Names are as frequent
//! as in a town: a few that many bear, many that few bear.

use create_client::NewClient;
use serde_json::json;

const FIRST: &str = "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara \
    Richard Susan Joseph Jessica Thomas Sarah Christopher Karen Charles Lisa Daniel Nancy Matthew Betty \
    Anthony Sandra Mark Margaret Donald Ashley Steven Kimberly Andrew Emily Paul Donna Joshua Michelle \
    Kenneth Carol Kevin Amanda Brian Melissa George Deborah Timothy Stephanie Ronald Rebecca Jason Sharon \
    Edward Laura Jeffrey Cynthia Ryan Dorothy Jacob Amy Gary Kathleen Nicholas Angela Eric Shirley \
    Jonathan Emma Stephen Brenda Larry Pamela Justin Nicole Scott Anna Brandon Samantha Benjamin \
    Katherine Samuel Christine Gregory Debra Alexander Rachel Patrick Carolyn Frank Janet Raymond Maria \
    Jack Olivia Dennis Heather Jerry Helen Tyler Catherine Aaron Diane José Julie Adam Victoria Nathan \
    Joyce Henry Lauren Zachary Kelly Douglas Christina Peter Ruth Kyle Joan Noah Virginia Ethan Judith \
    Jeremy Evelyn Amara Seán Zoë Chidi Elif Farah Priya Nadia Björn Łukasz Thảo Xóchitl Siobhán Olumide";

const LAST: &str = "Smith Johnson Williams Brown Jones García Miller Davis Rodríguez Martínez Hernández López \
    González Wilson Anderson Thomas Taylor Moore Jackson Martin Lee Pérez Thompson White Harris Sánchez \
    Clark Ramírez Lewis Robinson Walker Young Allen King Wright Scott Torres Nguyễn Hill Flores Green \
    Adams Nelson Baker Hall Rivera Campbell Mitchell Carter Roberts Gómez Phillips Evans Turner Díaz \
    Parker Cruz Edwards Collins Reyes Stewart Morris Morales Murphy Cook Rogers Gutiérrez Ortiz Morgan \
    Cooper Peterson Bailey Reed Kelly Howard Ramos Kim Cox Ward Richardson Watson Brooks Chávez Wood \
    James Bennett Gray Mendoza Ruiz Hughes Price Álvarez Castillo Sanders Patel Myers Long Ross Foster \
    Jiménez Powell Jenkins Perry Russell Sullivan Bell Coleman Butler Henderson Barnes Gonzales Fisher \
    Vásquez Simmons Romero Jordan Patterson Alexander Hamilton Graham Reynolds Griffin Wallace Moreno \
    West Cole Hayes Bryant Herrera Gibson Ellis Tran Medina Aguilar Stevens Murray Ford Castro Marshall \
    Owens Harrison Fernández McDonald Woods Washington Kennedy Wells Vargas Henry Chen Freeman Webb \
    Tucker Guzmán Burns Crawford Olson Simpson Porter Hunter Gordon Méndez Silva Shaw Snyder Mason Dixon \
    Muñoz Hunt Hicks Holmes Palmer Wagner Black Robertson Boyd Rose Stone Salazar Fox Warren Mills Meyer \
    Rice Schmidt Garza Daniels Ferguson Nichols Stephens Soto Weaver Ryan Gardner Payne Grant Dunn \
    O’Brien Okafor D’Angelo Müller Øvergård Kowalczyk Zieliński Yılmaz Ibrahim Abebe";

const HOSTS: [&str; 6] = [
    "mail.example",
    "post.example",
    "inbox.example",
    "letters.example",
    "town.example",
    "school.example",
];

/// Dice that fall alike for the same number.
pub struct Dice(u64);

impl Dice {
    /// Dice for the client of this number.
    pub fn of(number: usize) -> Self {
        Self(number as u64)
    }

    /// The next number below `sides` (`SplitMix64`: Steele, Lea and Flood, OOPSLA 2014).
    pub fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap_or_default()
    }

    /// A word of a list, the earlier the likelier: the lesser of two throws.
    fn word(&mut self, words: &[&'static str]) -> &'static str {
        words[self.below(words.len()).min(self.below(words.len()))]
    }
}

/// Somebody.
pub struct Person {
    /// First name.
    pub first: String,
    /// Last name.
    pub last: String,
    /// `YYYY-MM-DD`.
    pub born: String,
    /// Address.
    pub email: String,
    /// Number.
    pub phone: String,
    /// Number of the chart.
    pub record: String,
    /// The same throw for the same number: who is still to be decided.
    pub dice: Dice,
}

/// The client of a number.
pub fn person(number: usize) -> Person {
    let (firsts, lasts): (Vec<_>, Vec<_>) =
        (FIRST.split_whitespace().collect(), LAST.split_whitespace().collect());
    let mut dice = Dice::of(number);
    let first = dice.word(&firsts).to_owned();
    let mut last = dice.word(&lasts).to_owned();
    if dice.below(12) == 0 {
        let between = if dice.below(2) == 0 { " " } else { "-" };
        last = format!("{last}{between}{}", dice.word(&lasts));
    }
    let (year, month, day) = (1935 + dice.below(85), 1 + dice.below(12), 1 + dice.below(28));
    let local = shared::search::fold(&format!("{first}{last}"));
    let local: String = local.chars().filter(char::is_ascii_alphanumeric).collect();
    let host = HOSTS[dice.below(HOSTS.len())];
    let area = ["207", "603", "978", "802"][dice.below(4)];
    let phone = format!("({area}) {}-{:04}", 200 + dice.below(800), dice.below(10_000));
    Person {
        first,
        last,
        born: format!("{year}-{month:02}-{day:02}"),
        email: format!("{local}.{}@{host}", dice.below(1000)),
        phone,
        record: format!("HP-{}", 300_000 + number),
        dice,
    }
}

/// Who cares for all of them.
pub const PROFESSIONAL: &str = "Dr. R. Lindqvist";

/// What would be sent to create the client of a number.
pub fn client(number: usize) -> NewClient {
    let person = person(number);
    let body = json!({
        "name": {"first": person.first, "last": person.last},
        "dateOfBirth": person.born,
        "recordNumber": person.record,
        "emails": [{"type": "home", "address": person.email}],
        "phones": [{"type": "mobile", "number": person.phone}],
        "professional": PROFESSIONAL,
    });
    serde_json::from_value(body).expect("a client")
}
