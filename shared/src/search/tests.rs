//! Tests of search, on a store made of a map.
use std::collections::{BTreeMap, BTreeSet};

use ulid::Ulid;

use super::{entries::TOKEN_CHARS, *};
use crate::{
    id::{ClientId, PortalUserId},
    keys::Found,
};

const YEAR: u16 = 2026;

/// The table as it would answer: entries sorted by partition and sort key.
#[derive(Default)]
struct Store {
    items: BTreeMap<(String, String), String>,
    clients: BTreeMap<ClientId, String>,
    names: BTreeMap<ClientId, String>,
}

fn id(number: usize) -> ClientId {
    ClientId::new(Ulid::from_parts(0, number as u128))
}

impl Store {
    fn put(&mut self, name: &str, subject: &Subject<'_>) {
        let client = id(self.clients.len());
        let entries = entries(subject);
        self.clients.insert(client, entries.first().map_or_else(String::new, |e| e.words.clone()));
        self.names.insert(client, name.to_owned());
        self.add(Found { client, user: None }, entries);
    }

    /// A portal user of a client.
    fn put_person(&mut self, of: &str, person: &Person<'_>) {
        let of = self.names.iter().find(|(_, name)| *name == of).map(|(client, _)| *client);
        let user = Some(PortalUserId::new(Ulid::from_parts(1, self.items.len() as u128)));
        self.add(Found { client: of.expect("a client"), user }, person_entries(person));
    }

    fn add(&mut self, found: Found, entries: Vec<Entry>) {
        for Entry { partition, token, order, words } in entries {
            assert!(!token.contains('#') && !order.contains('#') && !order.is_empty());
            let sort = format!("{token}#{order}#{found}");
            assert!(self.items.insert((partition, sort), words).is_none(), "one item per key");
        }
    }

    fn read(&self, read: &Read) -> Window {
        let all = self.items.range((read.partition.clone(), String::new())..);
        let all = all.take_while(|((partition, _), _)| *partition == read.partition);
        let mut all: Vec<(String, String)> =
            all.map(|((_, sort), words)| (sort.clone(), words.clone())).collect();
        match &read.range {
            Range::Prefix(prefix) => all.retain(|(sort, _)| sort.starts_with(prefix.as_str())),
            Range::From(from) => all.retain(|(sort, _)| sort >= from),
            Range::Before(before) => {
                all.retain(|(sort, _)| sort < before);
                all.reverse();
            }
        }
        all.retain(|(sort, _)| read.after.as_ref().is_none_or(|after| sort > after));
        let more = all.len() > read.limit;
        all.truncate(read.limit);
        let stopped = if more { all.last().map(|(sort, _)| sort.clone()) } else { None };
        Window { entries: all, stopped }
    }

    fn page(&self, plan: &Plan, from: Option<&Place>, limit: usize, dates: Order) -> Page {
        let reads = plan.reads(from, limit);
        assert!(reads.iter().map(|read| read.limit).sum::<usize>() <= MOST_READ);
        let windows: Vec<Window> = reads.iter().map(|read| self.read(read)).collect();
        plan.page(from, &windows, limit, dates)
    }

    /// The names of all hits in their order, from however many pages.
    fn all(&self, query: &str, limit: usize) -> Vec<String> {
        let plan = planned(query);
        let (mut all, mut from) = (Vec::new(), None);
        for _ in 0..1000 {
            let page = self.page(&plan, from.as_ref(), limit, Order::MonthFirst);
            all.extend(page.candidates.iter().map(|c| self.names[&c.client].clone()));
            let Some(next) = page.next else { return all };
            assert_eq!(plan.place(&plan.cursor(&next)).as_ref(), Some(&next), "{query}");
            from = Some(next);
        }
        panic!("{query} does not end")
    }

    fn found(&self, query: &str) -> Vec<String> {
        self.all(query, 20)
    }

    /// The clients that match by names and the date of birth alone.
    fn matching_names(&self, query: &str) -> BTreeSet<String> {
        let plan = planned(query);
        let matching = self.clients.iter().filter(|(_, words)| {
            let (names, others) = words.split_once('/').unwrap_or((words.as_str(), ""));
            let born = others.split(' ').find(|chunk| chunk.starts_with('=')).unwrap_or_default();
            plan.finds(&format!("{names}/ {born}"), 0)
        });
        matching.map(|(client, _)| self.names[client].clone()).collect()
    }

    /// The clients that match without forgiveness, looked for one by one.
    fn matching(&self, query: &str) -> BTreeSet<String> {
        let plan = planned(query);
        let matching = self.clients.iter().filter(|(_, words)| plan.finds(words, 0));
        matching.map(|(client, _)| self.names[client].clone()).collect()
    }
}

fn planned(query: &str) -> Plan {
    plan(query, YEAR).unwrap_or_else(|_| panic!("{query} is too short"))
}

fn name<'a>(first: &'a str, last: &'a str) -> Named<'a> {
    Named { first, last, preferred: "" }
}

fn named<'a>(first: &'a str, last: &'a str) -> Subject<'a> {
    Subject { name: name(first, last), ..Subject::default() }
}

fn born<'a>(first: &'a str, last: &'a str, date_of_birth: &'a str) -> Subject<'a> {
    Subject { date_of_birth, ..named(first, last) }
}

fn harbor() -> Store {
    let mut store = Store::default();
    store.put(
        "jane",
        &Subject {
            emails: vec!["jane.smith+portal@mail.example.org", "smith12@example.com"],
            phones: vec!["+1 (555) 555-0142", "020 7946 0958 ext. 12"],
            record_number: "HP-100050",
            ..born("Jane", "Smith", "1984-03-12")
        },
    );
    store.put(
        "obrien",
        &Subject {
            name: Named { first: "Patrick", last: "O'Brien", preferred: "Pat" },
            former: vec![name("Patrick", "Quillfeather")],
            ..Subject::default()
        },
    );
    store.put("zoe", &named("Zoë", "D’Angelo-Müller"));
    store.put("gabriel", &named("Gabriel", "García Márquez"));
    store.put("nguyen", &named("Thị Minh Khai", "Nguyễn"));
    store.put("li", &named("李", "小龍"));
    store.put("kim", &named("민수", "김"));
    store.put("tanaka", &named("はなこ", "たなか"));
    store.put("johnson", &named("Michael", "Johnson"));
    store.put("injection", &named("Robert'); DROP TABLE clients;--", "<script>alert(1)</script>"));
    store.put("cher", &named("", "Cher"));
    store.put("yiannis", &named("Γιάννης", "Παπαδόπουλος"));
    store.put("sergei", &named("Сергей", "Королёв"));
    store.put("muhammad", &named("مُحَمَّد", "أحمد"));
    store.put("boehm", &named("Arno", "Boehm"));
    store.put("böhm", &named("Bert", "Böhm"));
    store.put("odegard", &named("Kari", "Ødegård"));
    store.put("stjohn", &named("Tom", "St. John"));
    store.put("saint", &named("Tim", "Saint Clair"));
    store.put(
        "pierre",
        &Subject {
            phones: vec!["+33 6 12 34 56 79"],
            record_number: "HC/2024-0017",
            ..born("Pierre", "Dubois", "1991-11-05")
        },
    );
    store.put(
        "paul",
        &Subject { phones: vec!["06 98 76 54 31"], ..born("Paul", "Moreau", "1984-12-03") },
    );
    store.put("osprey", &named("Robert", "Osprey"));
    store.put("jones-smith", &named("Ada", "Smith-Jones"));
    store.put_person(
        "pierre",
        &Person {
            name: name("Margaux", "Lefebvre"),
            email: "margaux.l@mail.example",
            username: "lefebvre75",
            client: name("Pierre", "Dubois"),
        },
    );
    store
}

#[test]
fn folds_to_plain_letters_and_digits() {
    for (text, folded) in [
        ("D’Angelo-Müller", "dangelomuller"),
        ("O'Brien", "obrien"),
        ("O`Brien", "obrien"),
        ("OʼBrien", "obrien"),
        ("OʻBrien", "obrien"),
        ("O´Brien", "obrien"),
        ("O＇Brien", "obrien"),
        ("Nguyễn", "nguyen"),
        ("Nguye\u{302}\u{303}n", "nguyen"),
        ("Straße", "strasse"),
        ("STRAẞE", "strasse"),
        ("Łukasz Đặng Søren Þór Ægir Œuvre", "lukaszdangsorenthoraegiroeuvre"),
        ("İSTANBUL ıstanbul", "istanbulistanbul"),
        ("ﬁ ＡＢＣ１２ ² №", "fiabc122no"),
        ("J. R. \"Bob\" #1_2+3", "jrbob123"),
        ("Ὀδυσσεύς", "οδυσσευσ"),
        ("Королёв", "королев"),
        ("مُحَمَّد أحمد", "محمداحمد"),
        ("שָׁלוֹם", "שלום"),
        ("김민수", "김민수"),
        ("がんば・ｶﾞ", "がんばガ"),
        ("हिन्दी", "हिनदी"),
        ("李 小龍", "李小龍"),
        ("", ""),
        ("'-. \u{200B}\u{AD}\u{1F600}", ""),
    ] {
        assert_eq!(fold(text), folded, "{text}");
    }
}

#[test]
fn folding_any_character_twice_changes_nothing_and_leaves_no_separator() {
    for c in '\u{0}'..='\u{1FFFF}' {
        let once = fold(&format!("a{c}b"));
        assert_eq!(fold(&once), once, "U+{:04X}", u32::from(c));
        assert!(once.chars().all(char::is_alphanumeric), "U+{:04X}", u32::from(c));
    }
}

#[test]
fn an_accent_survives_in_no_spelling() {
    for c in '\u{300}'..='\u{36F}' {
        assert_eq!(fold(&format!("e{c}")), "e", "U+{:04X}", u32::from(c));
    }
}

#[test]
fn names_are_found_by_each_part_and_joined() {
    let tokens = |first, last| -> Vec<String> {
        let made = entries(&named(first, last));
        let words = made.first().map(|e| e.words.clone()).unwrap_or_default();
        words::Tokens::of(&words).names().into_iter().map(str::to_owned).collect()
    };
    assert_eq!(
        tokens("", "D’Angelo-Müller"),
        ["dangelo", "muller", "mueller", "dangelomuller", "angelo"]
    );
    assert_eq!(tokens("Thị Minh Khai", ""), ["thi", "minh", "khai", "thiminhkhai"]);
    assert_eq!(tokens("", "García Márquez"), ["garcia", "marquez", "garciamarquez"]);
    assert_eq!(tokens("", "Böhm"), ["bohm", "boehm"]);
    assert_eq!(tokens("", "Boehm"), ["boehm", "bohm"]);
    assert_eq!(tokens("", "St. John"), ["st", "john", "saint", "stjohn", "saintjohn"]);
    assert_eq!(tokens("李Bruce", ""), ["李bruce", "bruce"]);
    assert_eq!(tokens("J", "Li"), ["li", "j"]);
    assert!(entries(&named("'", "--")).is_empty());
    assert!(entries(&Subject::default()).is_empty());
}

#[test]
fn the_entries_of_a_client() {
    let made = entries(&Subject {
        emails: vec!["j.ob@example.org"],
        phones: vec!["+1 (555) 555-0142"],
        record_number: "HP-100050",
        ..born("Jane", "O'Brien", "1984-03-12")
    });
    assert_eq!(
        made[0].words,
        " obrien brien + jane / hp'100050 =19840312 55'5'555'0142 j'ob'exampleorg "
    );
    let keys: Vec<String> =
        made.iter().map(|e| format!("{}|{}#{}", e.partition, e.token, e.order)).collect();
    for key in [
        "01|0142#3obrien jane",
        "10|100050#3obrien jane",
        "19+br|1b9r8i4e0n3.1.2.#obrien jane",
        "19+ja|1j9a8n4e0.3.1.2.#obrien jane",
        "19+ob|1o9b8r4i0e3n1.2.#obrien jane",
        "19|19840312#3obrien jane",
        "55|55550142#3obrien jane",
        "55|5550142#3obrien jane",
        "55|5555550142#3obrien jane",
        "br|brien#0obrien jane",
        "ja+ob|joabnrei.e.n#obrien jane",
        "ja|jane#1obrien jane",
        "hp|hp100050#3obrien jane",
        "ex|exampleorg#3obrien jane",
        "~gm|jane#obrien jane",
        "~obmr|obrien#obrien jane",
        "~obmr+ja|jane obrien#obrien jane",
    ] {
        assert!(keys.iter().any(|k| k == key), "{key}: {keys:?}");
    }
}

#[test]
fn all_that_has_a_word_has_an_entry_and_a_rename_stays_within_a_transaction() {
    let long = "Wolfeschlegelsteinhausenbergerdorff ".repeat(20);
    let many = "Ana-Bela Caio Dora-Eva Fabio Gil Hugo-Ivo Jana Kai-Lena Mia Nils Olaf-Pia Rosa";
    let kana = "アレクサンダー・シュワルツェネッガー".repeat(4);
    let texts = [long.as_str(), many, kana.as_str(), "李", "O'Brien", "", "a b c d e f"];
    let mails: Vec<String> =
        (0..20).map(|n| format!("a.b{n}.cde{n}-fgh+tag{n}@mail{n}.example")).collect();
    let phones: Vec<String> = (0..20).map(|n| format!("+44 20 7946 {n:04}")).collect();
    let mut most = 0;
    for first in texts {
        for last in texts {
            for preferred in texts {
                let made = entries(&Subject {
                    name: Named { first, last, preferred },
                    former: vec![name(last, first)],
                    emails: mails.iter().map(String::as_str).collect(),
                    phones: phones.iter().map(String::as_str).collect(),
                    record_number: "HP-100050",
                    date_of_birth: "1984-03-12",
                });
                most = most.max(made.len());
                let mut store = Store::default();
                store.put("it", &Subject::default());
                store.add(Found { client: id(0), user: None }, made.clone());
                let tokens: Vec<&str> = made
                    .iter()
                    .filter(|e| !e.partition.contains(['+', '~']))
                    .map(|e| e.token.as_str())
                    .collect();
                assert!(tokens.iter().all(|t| t.chars().count() <= TOKEN_CHARS));
                for sure in ["hp100050", "19840312", "9460000"] {
                    assert!(tokens.contains(&sure), "{sure} has room");
                }
                for name in words::Tokens::of(&made[0].words).names() {
                    assert!(entries::partition(name).is_none() || tokens.contains(&name));
                }
            }
        }
    }
    assert!(most <= MAX_ENTRIES && 2 * MAX_ENTRIES + 28 <= 100, "{most}");
}

#[test]
fn finds_every_client_by_what_people_type() {
    let store = harbor();
    for (id, queries) in [
        (
            "jane",
            "smi jan | jan smi | Smith, Jane | Smith,Jane | jane smith 0142 hp-1 | \
             smith 1984-03-12 | 1984-03-12 smi | 1984-03-12 | 19840312 | 12 March 1984 | \
             12 mars 84 | March 12, 1984 smith | 12 de marzo de 1984 | 03/1984 | mars 1984 | \
             HP-100050 | hp100050 | hp1 | 100050 | HP 100050 | 0142 | 5550142 | 555-0142 | \
             (555) 555-0142 | 555 555 0142 | 1 555 555 0142 | +1 555-555-0142 | +15555550142 | \
             ５５５-０１４２ | 0958 | 020 7946 0958 | +44 20 7946 0958 | tel:+15555550142 | \
             jane.smith+portal@mail.example.org | mailto:jane.smith+portal@mail.example.org | \
             jane.sm | smith+por | portal@mail | @mail.example.org | smith12 | portal jane | \
             Mrs Jane Smith | Jane M. Smith | Jane Smith III | Mme Smith Jane",
        ),
        (
            "obrien",
            "obrien | O'Brien | O’BRIEN | o brien | brien pat | o'b patr | quillfeather | \
             patrick quillf | Pat O'Brien Jr.",
        ),
        (
            "zoe",
            "d'angelo muller | D’Angelo-Müller | dangelo-muller zoe | muller-dangelo | mueller",
        ),
        ("gabriel", "garcia | García | marquez | garcia marquez gabriel | garciamarq"),
        ("nguyen", "Nguyễn | nguyen | nguyen khai | thi minh khai nguyen | thiminh"),
        ("li", "李 | 小 | 龍 | 小龍 | 李小龍 | 小龍李 | 李 小龍"),
        ("kim", "김 | 김민수 | 민수 김 | 수"),
        ("tanaka", "たなかはな | なか"),
        ("injection", "robert drop | Robert'); DROP | <script>alert(1)</script>"),
        ("cher", "cher"),
        ("yiannis", "γιαννης | ΓΙΑΝΝΗΣ παπ"),
        ("sergei", "королев"),
        ("muhammad", "محمد | احمد"),
        ("odegard", "Ødegård | odegard | Oedegaard | oedegaard kari"),
        ("stjohn", "St. John | St John | saint john | saintjohn | stjohn | john st"),
        ("saint", "saint clair | St. Clair | st clair tim"),
        (
            "pierre",
            "06 12 34 56 79 | 0612345679 | +33 6 12 34 56 79 | +33612345679 | 0033612345679 | \
             33 6 12 34 56 79 | 12345679 | 2345679 | 5679 | 0017 | HC 2024 0017 | HC/2024-0017 | \
             hc-2024-0017 | 2024-0017 | hc 0017 | dubois 06 12 34 56 79 | margaux lefebvre | \
             margaux.l@mail | lefebvre75 | lefebvre | Mme Lefebvre",
        ),
        ("paul", "+33 6 98 76 54 31 | 06 98 76 54 31 | 0698765431 | 98765431"),
        ("osprey", "Robert T Osprey | Mr Osprey | Osprey Jr | Mr. Robert T. Osprey, III"),
        ("jones-smith", "jones-smith | Smith-Jones | smith jones | jones smith ada"),
    ] {
        for query in queries.split(" | ") {
            assert_eq!(store.found(query), [id], "{query}");
        }
    }
    assert!(store.found("smith gabriel").is_empty());
    assert!(store.found("jane 0143").is_empty());
    for query in ["boehm", "Böhm", "bohm", "BOEHM", "böh", "boeh"] {
        assert_eq!(store.found(query), ["boehm", "böhm"], "neither hides the other: {query}");
    }
}

#[test]
fn a_date_is_read_in_the_practices_own_order_first() {
    let store = harbor();
    for query in ["3/12/1984", "03/12/84", "03.12.1984", "3 12 1984", "03121984"] {
        let plan = planned(query);
        for (dates, expected) in
            [(Order::MonthFirst, ["jane", "paul"]), (Order::DayFirst, ["paul", "jane"])]
        {
            let page = store.page(&plan, None, 20, dates);
            let found: Vec<&String> =
                page.candidates.iter().map(|c| &store.names[&c.client]).collect();
            assert_eq!(found, expected, "{query}");
        }
    }
    assert_eq!(store.found("3/12/1984 smith"), ["jane"]);
    assert_eq!(store.found("moreau 3/12/84"), ["paul"]);
}

#[test]
fn what_was_left_out_is_told() {
    let store = harbor();
    for (query, ignored) in [
        ("Mr Robert T Osprey", &["Mr", "T"][..]),
        ("Osprey Jr", &["Jr"]),
        ("Robert Osprey", &[]),
        ("o brien", &[]),
        ("p obrien", &[]),
        ("dr p obrien", &["dr"]),
        ("Mrs Jnae Smith", &["Mrs"]),
    ] {
        let plan = planned(query);
        let page = store.page(&plan, None, 20, Order::MonthFirst);
        assert!(!page.candidates.is_empty(), "{query}");
        assert_eq!(plan.ignored(page.level), ignored, "{query}");
    }
    // A title alone is a name like any other.
    let mut store = store;
    store.put("don", &named("Don", "Draper"));
    assert_eq!(store.found("don"), ["don"]);
    assert_eq!(store.found("don draper"), ["don"]);
}

#[test]
fn a_client_found_by_a_portal_user_comes_after_those_found_by_their_own() {
    let mut store = harbor();
    store.put("dubois", &named("Lefebvre", "Martin"));
    assert_eq!(store.found("lefebvre"), ["dubois", "pierre"]);
    let plan = planned("lefebvre");
    let page = store.page(&plan, None, 20, Order::MonthFirst);
    let through: Vec<bool> = page.candidates.iter().map(|c| c.user.is_some()).collect();
    assert_eq!(through, [false, true]);
}

#[test]
fn the_best_match_comes_first_then_last_and_first_names() {
    let mut store = Store::default();
    for (first, last) in [
        ("Zoe", "Smithson"),
        ("Bea", "Smith"),
        ("Smith", "Adams"),
        ("Ann", "Smith"),
        ("Smithy", "Aaron"),
        ("Ödön", "Smith"),
        ("Carl", "Smith"),
        ("Abe", "Smithers"),
    ] {
        store.put(&format!("{first} {last}"), &named(first, last));
    }
    assert_eq!(
        store.found("smith"),
        [
            "Ann Smith",
            "Bea Smith",
            "Carl Smith",
            "Ödön Smith",
            "Smith Adams",
            "Abe Smithers",
            "Zoe Smithson",
            "Smithy Aaron",
        ]
    );
}

#[test]
fn forgives_typos() {
    let store = harbor();
    for (id, queries) in [
        ("obrien", "obrein | obrian"),
        ("jane", "smtih | smoth | smih | jnae smith | smtih jane | smtih jaen | jan smtih 0142"),
        ("johnson", "jonson | johnsson | micheal | micheal jonson | johnspn"),
        ("gabriel", "gacia | marques"),
        ("nguyen", "nguyne"),
        ("yiannis", "γιανης"),
        ("pierre", "lefebvrre | margaux lefebrve"),
        ("odegard", "odegaard"),
    ] {
        for query in queries.split(" | ") {
            let found = store.found(query);
            assert!(found.iter().any(|found| found == id), "{query}: {found:?}");
        }
    }
    assert!(store.found("smtih 0143").is_empty(), "numbers are not forgiven");
    assert!(store.found("hp100051").is_empty());
    assert!(store.found("smtih gabriel").is_empty());
    assert!(store.found("jax").is_empty(), "three letters are not forgiven");
}

#[test]
fn too_short_queries() {
    for query in ["", " ", "j", "j s", "1", "+1", "'", "--", "é", "()", " , ", "#", "\u{301}"] {
        assert_eq!(plan(query, YEAR).err(), Some(TooShort), "{query:?}");
    }
    for query in ["ja", "李", "j sm", "12", "é́é", "ß", "が", "mr", "st"] {
        assert!(plan(query, YEAR).is_ok(), "{query:?}");
    }
    assert_eq!(TooShort.to_string(), "type at least two characters");
}

#[test]
fn reads_are_few_and_bounded_whatever_is_typed() {
    let many: String = ('a'..='z').flat_map(|c| [c, c, c, c, ' ']).collect();
    for query in [
        "smith",
        "smi jan",
        "3/12/84 smith",
        "06 12 34 56 79 martin",
        "april 1984 smith jones",
        "smtih jaen",
        "anna anne ann",
        "mary ann de la cruz",
        "Don J Smithson 03121984 311234567890",
        "12 13 14 15 16 17",
        &many,
        &"x".repeat(200),
    ] {
        for limit in [1, 20, 50] {
            let reads = planned(query).reads(None, limit);
            assert!(reads.len() <= 14, "{query}: {}", reads.len());
            assert!(reads.iter().map(|read| read.limit).sum::<usize>() <= MOST_READ, "{query}");
        }
    }
}

/// A repeatable stream of numbers (Knuth's MMIX constants).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % n
    }

    fn one(&mut self, of: &'static str) -> &'static str {
        let all: Vec<&str> = of.split('|').map(str::trim).collect();
        all[self.below(all.len())]
    }
}

const FIRST: &str = "Jane | Janet | Jan | Anne-Marie | Mary Ann | Smithy | Maria José | Zoë | 李 | 小龍 | \
    はなこ || J | Robert'); DROP TABLE clients;-- | Thị Minh Khai | D’Arcy | Мария | \
    민수 | Garcia | Ann Anna Anne";
const LAST: &str = "Smith | Smithson | Smith-Smythe | O'Brien | D’Angelo-Müller | García Márquez | \
    Garza | Nguyễn | 小龍 | 李 | たなか | 김 | Jansen | de la Cruz-Gómez | Janesmith || \
    Johnson | Королёв | Annan | Smitham";

fn crowd(clients: usize) -> Store {
    let mut dice = Dice(42);
    let mut store = Store::default();
    for n in 0..clients {
        let (first, last) = (dice.one(FIRST), dice.one(LAST));
        let mail =
            format!("{}.{}{}@example.{}", fold(first), fold(last), n % 7, dice.one("com|org"));
        let phone = format!("+1 555 {:03} {:04}", dice.below(50), dice.below(200));
        let born = format!(
            "{}-{:02}-{:02}",
            1950 + dice.below(60),
            1 + dice.below(12),
            1 + dice.below(28)
        );
        store.put(
            &format!("c{n:04}"),
            &Subject {
                name: Named {
                    first,
                    last,
                    preferred: if n % 5 == 0 { dice.one(FIRST) } else { "" },
                },
                former: Vec::new(),
                emails: if n % 3 == 0 { vec![&mail, "jan@smi.example"] } else { vec![&mail] },
                phones: vec![&phone],
                record_number: &format!("HP-{}", 100_000 + n),
                date_of_birth: &born,
            },
        );
    }
    store
}

#[test]
fn lists_every_match_once_on_full_pages() {
    let store = crowd(600);
    let queries = "ja | jan | jane | smi | smith | smi jan | jan smi | smith smithson | smi smy | \
        anna anne | mary ann | garcia | ga ma | garcia marq jan | o brien | \
        d'angelo muller | angelo | 李 | 小 | 李 小龍 | 李小龍 | 龍 李 | た な | 김 민 | examplecom | \
        555 | 5555 | 19 | 1984 jan | hp | hp1000 | 10 | drop table | мар кор | \
        robert clients jan | janesmith jane | cruz gomez de | de la cruz | smith 1984 | 03/1984";
    let mut hits = 0;
    for query in queries.split(" | ") {
        let expected = store.matching(query);
        // Two words that very many have are looked for as names.
        let sure =
            if planned(query).words() > 1 { store.matching_names(query) } else { expected.clone() };
        hits += sure.len();
        for limit in [1, 7, 20, 50] {
            let plan = planned(query);
            let (mut listed, mut from) = (Vec::new(), None);
            loop {
                let page = store.page(&plan, from.as_ref(), limit, Order::MonthFirst);
                let full = page.candidates.len() == limit;
                assert!(full || page.next.is_none(), "{query} by {limit}: not full");
                listed.extend(page.candidates.iter().map(|c| store.names[&c.client].clone()));
                from = page.next;
                if from.is_none() {
                    break;
                }
            }
            let unique: BTreeSet<String> = listed.iter().cloned().collect();
            assert_eq!(unique.len(), listed.len(), "{query} by {limit}: twice");
            // Near misses may follow where there are few.
            if expected.len() >= 5 {
                assert!(unique.is_subset(&expected), "{query} by {limit}");
                let missing: Vec<&String> = sure.difference(&unique).collect();
                assert!(missing.is_empty(), "{query} by {limit}: {missing:?}");
            } else {
                assert!(sure.is_subset(&unique), "{query} by {limit}");
            }
        }
    }
    assert!(hits > 2000, "the queries find something: {hits}");
}

#[test]
fn what_is_typed_as_written_is_found() {
    let letters: Vec<char> =
        "aAbeéßøøłnNñʼ'’´`.-‐·・,，、;/()\"<>#~+&  \u{3000}\u{301}\u{200B}李小龍がガ김Жжαςאبا"
            .chars()
            .collect();
    let mut dice = Dice(7);
    let mut made = |longest| -> String {
        (0..dice.below(longest)).map(|_| letters[dice.below(letters.len())]).collect()
    };
    for _ in 0..3000 {
        let (first, last) = (made(9), made(14));
        let mut store = Store::default();
        store.put("c", &named(&first, &last));
        for query in
            [format!("{first} {last}"), format!("{last} {first}"), last.clone(), fold(&first)]
        {
            if plan(&query, YEAR).is_ok() {
                assert_eq!(store.found(&query), ["c"], "{query:?} for {first:?} {last:?}");
            }
        }
    }
}

#[test]
fn a_cursor_is_taken_back_by_its_own_query_only() {
    let store = crowd(600);
    let plan = planned("smith");
    let page = store.page(&plan, None, 1, Order::MonthFirst);
    let next = page.next.expect("another page");
    let cursor = plan.cursor(&next);
    assert_eq!(plan.place(&cursor), Some(next));
    assert_eq!(planned("SMITH").place(&cursor), plan.place(&cursor));
    for other in ["smithson", "garcia", "smith jane"] {
        assert_eq!(planned(other).place(&cursor), None, "{other}");
    }
    for spoilt in ["", "x", "sorted", &cursor.replace("streamed", "dreamed"), &cursor[1..]] {
        assert_eq!(plan.place(spoilt), None, "{spoilt}");
    }
}

#[test]
fn a_typical_client_has_few_entries() {
    let store = crowd(300);
    let per_client = store.items.len() / store.clients.len();
    assert!(per_client <= 28, "{per_client}");
    let made = entries(&Subject {
        emails: vec!["jane.smith@mail.example"],
        phones: vec!["(555) 555-0142"],
        record_number: "HP-100050",
        ..born("Jane", "Smith", "1984-03-12")
    });
    assert!(made.len() <= 22, "{}", made.len());
}

/// So many clients with these names.
fn namesakes(store: &mut Store, first: &str, last: &str, many: usize) {
    for n in 0..many {
        store.put(&format!("{first} {last} {n}"), &named(first, last));
    }
}

#[test]
fn particles_do_not_take_the_place_of_names() {
    let mut store = Store::default();
    for first in ["Juan", "Ana", "Luz"] {
        namesakes(&mut store, first, "Pérez", 200);
    }
    namesakes(&mut store, "Juan", "Gómez", 200);
    namesakes(&mut store, "Ana", "Cruz", 200);
    store.put("it", &born("Juan Carlos", "de la Cruz García", "1984-03-12"));
    store.put("berg", &born("Juan", "van der Cruz", "1990-01-01"));
    for query in ["juan cruz", "cruz juan", "de la cruz juan", "juan de la cruz", "carlos cruz"] {
        assert!(store.found(query).contains(&"it".to_owned()), "{query}");
    }
    assert!(store.found("juan cruz").contains(&"berg".to_owned()));
    for query in ["cruz garcia", "juan garcia", "cruz 1984", "juan 12/3/1984"] {
        assert!(store.found(query).contains(&"it".to_owned()), "{query}");
    }
    let mut store = harbor();
    store.put_person(
        "pierre",
        &Person {
            name: name("Juan Carlos", "van der Berg"),
            client: name("Pierre", "Dubois"),
            ..Person::default()
        },
    );
    assert_eq!(store.found("berg")[0], "pierre", "the room of a portal user is for the name");
}

#[test]
fn an_initial_finds_those_who_have_it_among_very_many() {
    let mut store = Store::default();
    namesakes(&mut store, "Anna", "Smith", 400);
    namesakes(&mut store, "John", "Smith", 30);
    namesakes(&mut store, "Zoe", "Smith", 400);
    store.put("jz", &named("Jzoe", "Smith"));
    for (query, initial) in
        [("J Smith", 'J'), ("smith j", 'J'), ("Z. Smith", 'Z'), ("mr j smith", 'J')]
    {
        let found = store.found(query);
        let first: Vec<&String> = found.iter().take(31).collect();
        assert!(
            first.len() == 31 && first.iter().all(|name| name.to_uppercase().starts_with(initial)),
            "{query}: {found:?}"
        );
        let unique: BTreeSet<&String> = found.iter().collect();
        assert_eq!(unique.len(), found.len(), "{query}: twice");
    }
    assert!(store.found("j smith").contains(&"jz".to_owned()));
    // A middle initial, and the other way round.
    namesakes(&mut store, "Anna Bea", "Smith", 400);
    namesakes(&mut store, "Anna Wilma", "Smith", 3);
    for query in ["anna w smith", "Smith, Anna W."] {
        let found = store.found(query);
        assert!(found.len() >= 3, "{query}: {found:?}");
        assert!(found[..3].iter().all(|name| name.starts_with("Anna Wilma")), "{query}: {found:?}");
    }
}

#[test]
fn a_title_that_is_a_name_finds_it_among_very_many() {
    let mut store = Store::default();
    namesakes(&mut store, "Anna", "Smith", 400);
    namesakes(&mut store, "Drew", "Smith", 400);
    store.put("don", &named("Don", "Smith"));
    assert_eq!(store.found("Don Smith"), ["don"]);
    let plan = planned("Dr Smith");
    let page = store.page(&plan, None, 20, Order::MonthFirst);
    assert_eq!((page.candidates.len(), plan.ignored(page.level)), (20, vec!["Dr".to_owned()]));
    assert_eq!(store.found("dr smith").len(), 801, "Dr is no beginning of Drew");
}

#[test]
fn a_name_within_another_needs_one_of_its_own() {
    let mut store = Store::default();
    namesakes(&mut store, "Anna", "Johnson", 400);
    namesakes(&mut store, "Peter", "Johnson", 400);
    store.put("john", &named("John", "Johnson"));
    for query in ["john johnson", "Johnson, John", "john johns"] {
        assert_eq!(store.found(query)[0], "john", "{query}");
    }
    assert_eq!(store.found("john johnson").len(), 1);
    store.put("joanna", &named("Joanna", "Johnson"));
    assert_eq!(store.found("jo johnson"), ["joanna", "john"]);
    // Twice the same is once.
    store.put("garcia", &named("Juan", "García García"));
    assert_eq!(store.found("garcia garcia juan"), ["garcia"]);
    // Where nobody has both, the longer one is enough.
    assert_eq!(store.found("pete peter johnson").len(), 400);
}

#[test]
fn two_words_find_a_name_written_as_one() {
    let mut store = Store::default();
    store.put("maryann", &named("Maryann", "Delacruz"));
    store.put("mary ann", &named("Mary Ann", "De la Cruz"));
    for query in
        ["mary ann", "maryann", "Mary-Ann", "de la cruz", "delacruz", "mary ann de la cruz"]
    {
        let mut found = store.found(query);
        found.sort();
        assert_eq!(found, ["mary ann", "maryann"], "{query}");
    }
    // Among many who have the words apart.
    for (first, last) in
        [("Dean", "Lamb"), ("Debra", "Cruz"), ("Mary", "Smith"), ("Anna", "Delany")]
    {
        namesakes(&mut store, first, last, 200);
    }
    for query in ["mary ann", "de la cruz", "mary ann de la cruz"] {
        let found = store.found(query);
        let unique: BTreeSet<&String> = found.iter().collect();
        assert_eq!(unique.len(), found.len(), "{query}: twice");
        for name in ["maryann", "mary ann"] {
            assert!(found.contains(&name.to_owned()), "{query}: {name}");
        }
    }
    assert!(store.found("mary joan").is_empty());
    assert!(store.found("ann mary").iter().all(|found| found == "mary ann"));
}

#[test]
fn what_people_copy_is_read_as_it_is_stored() {
    let mut store = Store::default();
    store.put(
        "it",
        &Subject {
            phones: vec!["(201) 555-0123 x12"],
            emails: vec!["ann@xn--mller-kva.example"],
            record_number: "10000012345",
            ..named("Ann", "Lee")
        },
    );
    for query in [
        "(201) 555-0123 x12",
        "201-555-0123x12",
        "201 555 0123 ext. 12",
        "201 555 0123 ext 12 lee",
        "tel:+1-201-555-0123;ext=12",
        "201 555 0123 poste 12",
        "ann@müller.example",
        "Ann <ann@MÜLLER.example>",
        "ann@xn--mller-kva.example",
        "10000012345",
        "100000123",
    ] {
        assert_eq!(store.found(query), ["it"], "{query}");
    }
}

#[test]
fn hits_by_portal_users_come_by_the_name_of_their_client_on_every_page() {
    let mut store = Store::default();
    for n in 0..30 {
        let last = format!("Client{}", ('a'..='z').rev().nth(n % 26).expect("a letter"));
        let client = format!("{last} {n:02}");
        store.put(&client, &named("Kid", &last));
        let user = name("Margaux", "Lefebvre");
        store.put_person(
            &client,
            &Person { name: user, client: name("Kid", &last), ..Person::default() },
        );
    }
    for limit in [7, 20] {
        let found: Vec<String> = store.all("lefebvre", limit);
        let last = |name: &String| name.split(' ').next().expect("a name").to_owned();
        let names: Vec<String> = found.iter().map(last).collect();
        assert!(names.is_sorted() && names.len() == 30, "{names:?}");
    }
}
