//! How a password would be guessed by an attacker who knows the person, the practice, and passwords that
//! became known: in any case and spelling (`F3nw1ck`), backwards, its digits alone, and with parts that say
//! nothing (dates, sequences, repeats) put between.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;
use zxcvbn::{Score, zxcvbn};

use crate::{fields::Date, search};

/// Passwords from breaches, and phrases that everybody knows.
const BREACHED: &str = include_str!("breached.txt");

/// The product's own words and its pages', and words that passwords are made of, in the languages of the
/// product; without accents.
const COMMON: [&str; 147] = [
    "latchkey",
    "client",
    "clients",
    "portal",
    "practice",
    "password",
    "passwords",
    "passphrase",
    "account",
    "access",
    "username",
    "signin",
    "login",
    "logon",
    "enroll",
    "enrol",
    "invitation",
    "chart",
    "record",
    "patient",
    "patients",
    "health",
    "healthcare",
    "clinic",
    "doctor",
    "therapy",
    "therapist",
    "medical",
    "appointment",
    "messages",
    "documents",
    "billing",
    "family",
    "guardian",
    "parent",
    "contrasena",
    "contrasenia",
    "clave",
    "cliente",
    "clientes",
    "paciente",
    "pacientes",
    "consulta",
    "consultorio",
    "clinica",
    "salud",
    "medico",
    "doctora",
    "terapia",
    "cita",
    "cuenta",
    "acceso",
    "usuario",
    "invitacion",
    "mensajes",
    "documentos",
    "familia",
    "entrar",
    "secreto",
    "secreta",
    "motdepasse",
    "motpasse",
    "passe",
    "cabinet",
    "espace",
    "espaceclient",
    "compte",
    "sante",
    "medecin",
    "docteur",
    "therapie",
    "rendezvous",
    "connexion",
    "identifiant",
    "utilisateur",
    "invitation",
    "portail",
    "famille",
    "dossier",
    "secrete",
    "passwort",
    "kennwort",
    "wachtwoord",
    "parola",
    "senha",
    "secret",
    "secrets",
    "welcome",
    "bienvenue",
    "bienvenido",
    "bienvenida",
    "willkommen",
    "letmein",
    "changeme",
    "change",
    "iloveyou",
    "loveyou",
    "iloveu",
    "teamo",
    "jetaime",
    "qwerty",
    "qwertz",
    "azerty",
    "asdf",
    "zxcv",
    "qazwsx",
    "qweasd",
    "admin",
    "administrator",
    "hello",
    "hola",
    "bonjour",
    "test",
    "testing",
    "temp",
    "dragon",
    "monkey",
    "football",
    "baseball",
    "basketball",
    "soccer",
    "sunshine",
    "princess",
    "princesa",
    "princesse",
    "superman",
    "batman",
    "pokemon",
    "starwars",
    "trustno",
    "whatever",
    "shadow",
    "master",
    "michael",
    "jennifer",
    "jessica",
    "charlie",
    "abc",
    "xyz",
    "internet",
    "computer",
    "google",
    "facebook",
    "the",
    "this",
    "mon",
    "correcthorse",
];

/// Months in the product's languages, with their usual short forms; without accents.
const MONTHS: [&[&str]; 12] = [
    &["january", "enero", "janvier", "janv", "jan", "ene"],
    &["february", "febrero", "fevrier", "fevr", "feb", "fev"],
    &["march", "marzo", "mars", "mar"],
    &["april", "abril", "avril", "apr", "abr", "avr"],
    &["may", "mayo", "mai"],
    &["june", "junio", "juin", "jun"],
    &["july", "julio", "juillet", "juil", "jul"],
    &["august", "agosto", "aout", "aug", "ago"],
    &["september", "septiembre", "septembre", "sept", "sep"],
    &["october", "octubre", "octobre", "oct"],
    &["november", "noviembre", "novembre", "nov"],
    &["december", "diciembre", "decembre", "dec", "dic"],
];

/// Rows of keys and letters along which a finger or a mind runs.
const ROWS: [&str; 12] = [
    "01234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn",
];

/// Why a password is weak, as a hint for the person; `None` for one that is not.
pub fn weakness(password: &str, texts: &[String], births: &[Date]) -> Option<String> {
    let known = words(texts);
    let inputs: Vec<&str> = known.iter().map(String::as_str).collect();
    let estimate = zxcvbn(password, &inputs);
    if estimate.score() < Score::Three {
        let warning = estimate.feedback().and_then(zxcvbn::feedback::Feedback::warning);
        return Some(warning.map_or_else(String::new, |warning| warning.to_string()));
    }
    // Spaces between the words of a phrase that many use hide it from the estimate.
    let whole = letters_and_digits(&signs(password));
    if zxcvbn(&whole, &inputs).score() < Score::Three {
        return Some("Many use these words together.".into());
    }
    if is_breached(&whole) || is_breached(&whole.chars().rev().collect::<String>()) {
        return Some("It is on lists of passwords that became known.".into());
    }
    let distinct = without_repeats(password);
    if distinct.len() < password.len() && zxcvbn(&distinct, &inputs).score() < Score::Three {
        return Some("Repeats add little.".into());
    }
    let weak = |left: &str| {
        let left = without_repeats(left);
        zxcvbn(&left, &inputs).score() < Score::Two || left.chars().count() < LEAST_LEFT
    };
    let left = left_without(password, &known, births);
    if left.iter().any(|left| weak(left)) {
        return Some(
            "Without names, dates, sequences and words that many use, little is left.".into(),
        );
    }
    None
}

/// Fewest characters that must be left without the parts that are easily guessed.
const LEAST_LEFT: usize = 6;

/// Words to be expected of texts: whole, and each word of them; folded.
fn words(texts: &[String]) -> BTreeSet<String> {
    let split = |text: &String| -> Vec<String> {
        let parts = text.split(|c: char| !c.is_alphanumeric());
        parts.chain([text.as_str()]).flat_map(search::spellings).collect()
    };
    let all = texts.iter().flat_map(split);
    all.filter(|word| word.chars().count() > 2).collect()
}

/// In lower case, without accents and without what separates words; signs that stand for letters stay.
fn signs(text: &str) -> String {
    let stays = |c: char| LEET.iter().any(|(sign, _)| c == *sign) || STROKES.contains(&c);
    let kept = |c: char| if stays(c) { c.to_string() } else { search::fold(&c.to_string()) };
    text.nfkc().map(kept).collect()
}

/// Signs and digits that stand for letters.
const LEET: [(char, char); 14] = [
    ('@', 'a'),
    ('4', 'a'),
    ('8', 'b'),
    ('3', 'e'),
    ('€', 'e'),
    ('9', 'g'),
    ('6', 'g'),
    ('0', 'o'),
    ('5', 's'),
    ('$', 's'),
    ('7', 't'),
    ('+', 't'),
    ('2', 'z'),
    ('(', 'c'),
];

/// `1`, `!` and `|` stand for `i` or for `l`.
const STROKES: [char; 3] = ['1', '!', '|'];

fn letters_and_digits(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Readings of a text: as it stands, and with signs and digits read as letters.
fn readings(text: &str) -> [String; 3] {
    let read = |stroke: char| {
        let letter = |c: char| match LEET.iter().find(|(sign, _)| *sign == c) {
            Some((_, letter)) => *letter,
            None if STROKES.contains(&c) => stroke,
            None => c,
        };
        letters_and_digits(&text.chars().map(letter).collect::<String>())
    };
    [letters_and_digits(text), read('i'), read('l')]
}

/// Whether all of it, or all but digits around it, is on the list.
fn is_breached(whole: &str) -> bool {
    let bare = whole.trim_matches(|c: char| c.is_ascii_digit());
    let mut listed = BREACHED.lines().filter(|line| !line.starts_with('#'));
    readings(whole).iter().any(|reading| BREACHED.lines().any(|line| line == reading))
        || listed.any(|line| line == whole || line == bare && !bare.is_empty())
}

/// What is left of a password without the parts that are easily guessed, in each of its readings in which
/// there are any.
fn left_without(password: &str, known: &BTreeSet<String>, births: &[Date]) -> BTreeSet<String> {
    let mut expected: BTreeSet<String> = known.clone();
    expected.extend(COMMON.map(str::to_owned));
    let breached = BREACHED.lines().filter(|l| l.len() >= 15 && !l.starts_with('#'));
    expected.extend(breached.map(str::to_owned));
    expected.extend(expected.clone().iter().map(|word| word.chars().rev().collect::<String>()));
    let mut expected: Vec<String> =
        expected.into_iter().filter(|w| w.chars().count() > 2).collect();
    expected.sort_by_key(|word| std::cmp::Reverse(word.len()));

    let all = signs(password);
    let dated = without_dates(&all, births);
    let mut found = BTreeSet::new();
    for reading in readings(&all).into_iter().chain(readings(&dated)) {
        let plain = letters_and_digits(&all);
        let mut left = without_runs(&reading);
        for word in &expected {
            if left.contains(word.as_str()) {
                left = left.replace(word.as_str(), " ");
            }
        }
        let left = letters_and_digits(&without_runs(&left));
        if left.chars().count() < plain.chars().count() {
            found.insert(left);
        }
    }
    // The digits alone, however they are strewn among the letters.
    let digits: String = all.chars().filter(char::is_ascii_digit).collect();
    if digits.len() >= 4 && without_dates(&digits, births).len() < digits.len() {
        found.insert(all.chars().filter(|c| c.is_alphabetic()).collect());
    }
    found
}

/// A text without birth dates, as digits in any order or with the month as a word.
fn without_dates(text: &str, births: &[Date]) -> String {
    let mut left = text.to_owned();
    for born in births {
        let born = born.to_string();
        let (year, month, day) = (&born[..4], &born[5..7], &born[8..]);
        let number = month.parse::<usize>().unwrap_or(1);
        for word in MONTHS[number - 1] {
            for year in [year, &year[2..]] {
                for day in [day, day.trim_start_matches('0')] {
                    for between in ["", "de", "of", "th", "st", "nd", "rd"] {
                        for form in [
                            format!("{day}{between}{word}{year}"),
                            format!("{day}{between}{word}{between}{year}"),
                            format!("{day}{between}{word}del{year}"),
                            format!("{word}{day}{between}{year}"),
                            format!("{year}{word}{day}{between}"),
                        ] {
                            left = left.replace(&form, " ");
                        }
                    }
                }
                left = left
                    .replace(&format!("{word}{year}"), " ")
                    .replace(&format!("{year}{word}"), " ");
            }
            left = left.replace(&format!("{day}{word}"), " ").replace(&format!("{word}{day}"), " ");
        }
        let short = |part: &str| part.trim_start_matches('0').to_owned();
        left = without_digits_of(&left, &format!("{year}{month}{day}"));
        left = without_digits_of(&left, &format!("{year}{}{}", short(month), short(day)));
        left = without_digits_of(&left, &format!("{}{month}{day}", &year[2..]));
        for form in [
            format!("{}{}{}", short(day), short(month), &year[2..]),
            format!("{}{}{}", short(month), short(day), &year[2..]),
            format!("{month}{year}"),
            format!("{year}{month}"),
            year.to_owned(),
            year.chars().rev().collect(),
            format!("{day}{month}"),
            format!("{month}{day}"),
        ] {
            left = left.replace(&form, " ");
        }
    }
    left
}

/// A text without rows of digits that are these digits, in whatever order.
fn without_digits_of(text: &str, digits: &str) -> String {
    let sorted = |digits: &[char]| {
        let mut digits = digits.to_vec();
        digits.sort_unstable();
        digits
    };
    let wanted = sorted(&digits.chars().collect::<Vec<_>>());
    let chars: Vec<char> = text.chars().collect();
    let (mut left, mut at) = (String::new(), 0);
    while at < chars.len() {
        let window = chars.get(at..at + wanted.len()).filter(|w| sorted(w) == wanted);
        if window.is_some() {
            left.push(' ');
            at += wanted.len();
        } else {
            left.push(chars[at]);
            at += 1;
        }
    }
    left
}

/// A text without rows of four or more characters that follow each other on a keyboard, in the alphabet or
/// in counting, in either direction, or that are all one.
fn without_runs(text: &str) -> String {
    let follows = |row: &str, a: char, b: char| {
        let chars: Vec<char> = row.chars().collect();
        chars.windows(2).any(|pair| pair == [a, b])
    };
    let chars: Vec<char> = text.chars().collect();
    let mut left = String::new();
    let mut at = 0;
    while at < chars.len() {
        let run = |next: &dyn Fn(char, char) -> bool| {
            1 + chars[at..].windows(2).take_while(|pair| next(pair[0], pair[1])).count()
        };
        let rows = ROWS
            .iter()
            .flat_map(|row| [run(&|a, b| follows(row, a, b)), run(&|a, b| follows(row, b, a))]);
        let longest = rows.chain([run(&|a, b| a == b)]).max().unwrap_or(1);
        if longest >= 4 {
            left.push(' ');
            at += longest;
        } else {
            left.push(chars[at]);
            at += 1;
        }
    }
    left
}

/// A text in which each word, and each row of characters that fills the whole, stands once.
fn without_repeats(text: &str) -> String {
    let folded: Vec<char> = text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let block = (1..=folded.len() / 2).find(|n| {
        // A rest at the end may be the beginning of the block, or a digit or two.
        let rest = folded.len() % n;
        let (full, end) = folded.split_at(folded.len() - rest);
        full.chunks(*n).all(|chunk| *chunk == folded[..*n])
            && (folded.starts_with(end) || end.iter().all(char::is_ascii_digit) && end.len() < 5)
    });
    if let Some(block) = block {
        return folded[..block].iter().collect();
    }
    let mut seen = BTreeSet::new();
    let words = text.split(|c: char| !c.is_alphanumeric());
    let first = |word: &&str| word.is_empty() || seen.insert(word.to_lowercase());
    words.filter(first).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(password: &str) -> Option<String> {
        let texts = [
            "Fenwick Marigold",
            "Fenwick",
            "Marigold",
            "Bartholomew",
            "Müller-Lüdenscheidt",
            "Harbor Practice",
            "harbor",
            "fen.marigold@mail.example",
            "squirrelwhisperer",
            "(238) 555-0107",
            "HC/2024-0017",
        ];
        let births = [Date::parse("1984-03-12").unwrap(), Date::parse("2013-09-08").unwrap()];
        weakness(password, &texts.map(str::to_owned), &births)
    }

    #[test]
    fn what_is_easily_guessed_is_weak() {
        let weak = [
            // The product, the practice, names, addresses.
            "client portal password",
            "clientportalpassword",
            "latchkeylatchkey1",
            "LatchkeyPortal2024!",
            "mi contraseña cliente",
            "contraseña portal paciente",
            "mot de passe cabinet",
            "motdepasse client 1",
            "Harbor Practice 2026!",
            "harborpractice1",
            "fenwick marigold",
            "Marigold Fenwick 77",
            "marigoldfenwick!!",
            "F3nw1ck M4r1g0ld 1984",
            "F3nw!ck M@r!g0ld",
            "dlogiram kciwnef",
            "dlogiramkciwnef1",
            "b4rth0l0m3w b4rth",
            "fen.marigold@mail.example",
            "squirrelwhisperer1",
            "Mueller Luedenscheidt",
            "muller ludenscheidt 12",
            "2385550107 2385550107",
            // Birth dates.
            "12/03/1984 12/03/1984",
            "1984-03-12-1984-03-12",
            "12 March 1984 12 March",
            "march 12, 1984 march",
            "12 de marzo de 1984",
            "12mars1984 12mars84",
            "120384 031284 840312",
            "198403121984",
            "198403122013098",
            "1203198408092013",
            "Fenwick 12.03.1984",
            "fenwick08092013",
            "19840312 marigold",
            "1a9b8c4d0e3f1g2h",
            "21304891 21304891",
            "4891-30-21-4891-30",
            "8 septembre 2013 !!!",
            // Sequences and repeats.
            "Password123456789!",
            "passwordpassword",
            "123456789012345",
            "abcdefgh12345678",
            "qwertyuiopasdfgh",
            "letmeinletmeinletmein",
            "abcabcabcabcabcabc",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "azertyuiopqsdfghjklm",
            "marigold marigold marigold",
            "Welcome123456789",
            "1q2w3e4r5t6y7u8i9o",
            "0987654321qwerty",
            "iloveyouiloveyou1",
            "summer summer summer",
            "Password!Password!",
            "zyxwvutsrqponmlk",
            // Known from breaches, and by heart.
            "correct horse battery staple",
            "correcthorsebatterystaple1",
            "Correct-Horse-Battery-Staple!",
            "c0rrect h0rse battery stap1e",
            "to be or not to be",
            "the quick brown fox",
            "passwordstandard",
            "elpats yrettab esroh tcerroc",
            "new york yankees",
            "god bless america",
            "los-angeles-lakers",
            "Harry Potter 2024!",
        ];
        let taken: Vec<&str> = weak.into_iter().filter(|weak| judge(weak).is_none()).collect();
        assert!(taken.is_empty(), "{taken:#?}");
    }

    #[test]
    fn passphrases_of_uncommon_words_pass() {
        let strong = [
            "plum otter canyon ferry",
            "seven quiet kettles hum",
            "tidal lantern orchard 27",
            "another nine grey pebbles",
            "another nine quiet pebbles",
            "xq7Vz!m2Kp9#LtW",
            "violet tractor under snow",
            "медленный чайник у моря",
            "七つの静かな薬缶が海辺で歌う夜",
            "la tortuga baila despacio",
            "trois pingouins sous la pluie",
            "caf\u{e9} d\u{e9}j\u{e0} brouillard",
            "harbor otter canyon plum ferry",
            "purple 1984 otter canyon ferry",
            "Marigold owns nine quiet kettles",
            "  spaces on both sides kept  ",
            "🦊🌲 quiet otters at dusk",
            "grumpy-walrus-knits-scarf",
            "J9#vv2!qLmZ0pRtX",
            "the kettle hums beneath the bridge",
            "moss velvet anchor 58 cricket",
            "unser kleiner Drache niest",
            "password otter canyon lantern plum",
            "zorp glim fennel tusk",
        ];
        let refused: Vec<_> =
            strong.into_iter().filter_map(|p| judge(p).map(|why| (p, why))).collect();
        assert!(refused.is_empty(), "{refused:#?}");
    }

    #[test]
    fn each_of_the_list_is_weak_and_it_is_sorted() {
        let lines: Vec<&str> = BREACHED.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(lines.len() > 400 && lines.is_sorted());
        assert!(lines.windows(2).all(|pair| pair[0] != pair[1]));
        let strong: Vec<_> =
            lines.iter().filter(|line| line.len() >= 15 && judge(line).is_none()).collect();
        assert!(strong.is_empty(), "{strong:#?}");
    }
}
