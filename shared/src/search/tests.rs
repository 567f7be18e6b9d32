//! Tests of search, on a store made of a map.
use super::*;

/// The table as it would answer: entries sorted by partition and sort key.
#[derive(Default)]
struct Store {
    items: BTreeMap<(String, String), String>,
    clients: BTreeMap<String, Entries>,
}

/// All tokens of a client, in their order.
fn tokens_of(entries: &Entries) -> Vec<String> {
    tokens_in(&entries.words).map(str::to_owned).collect()
}

fn split(sort: &str) -> (&str, &str) {
    sort.split_once('#').expect("a sort key has one #")
}

/// Where a page ended: the read and the last sort key shown.
type Cursor = (usize, String);

impl Store {
    fn put(&mut self, id: &str, subject: &Subject<'_>) {
        let entries = entries(subject);
        for key in &entries.keys {
            let sort = format!("{}#{id}", key.token);
            let before = self.items.insert((key.partition.clone(), sort), entries.words.clone());
            assert!(before.is_none(), "one item per key");
        }
        self.clients.insert(id.to_owned(), entries);
    }

    /// Sort keys and words.
    fn read<'a>(&'a self, read: &'a Read) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.items
            .range((read.partition.clone(), read.prefix.clone())..)
            .take_while(|((partition, sort), _)| {
                *partition == read.partition && sort.starts_with(&read.prefix)
            })
            .map(|((_, sort), words)| (sort.as_str(), words.as_str()))
            .filter(|(_, words)| read.filters.iter().all(|filter| words.contains(filter)))
    }

    fn page(
        &self,
        plan: &Plan,
        after: Option<&Cursor>,
        limit: usize,
    ) -> (Vec<String>, Option<Cursor>) {
        let mut ids = Vec::new();
        let mut last = None;
        for (at, read) in plan.reads.iter().enumerate() {
            for (sort, words) in self.read(read) {
                if after.is_some_and(|(a, s)| at < *a || (at == *a && sort <= s.as_str())) {
                    continue;
                }
                let (token, id) = split(sort);
                if plan.shows(at, token, words) {
                    if ids.len() == limit {
                        return (ids, last);
                    }
                    ids.push(id.to_owned());
                    last = Some((at, sort.to_owned()));
                }
            }
        }
        (ids, None)
    }

    fn exact(&self, query: &str) -> Vec<String> {
        let plan = plan(query).unwrap_or_else(|_| panic!("{query} is too short"));
        self.page(&plan, None, usize::MAX).0
    }

    /// Near misses, best first; each client once.
    fn near(&self, query: &str) -> Vec<String> {
        let plan = plan(query).unwrap_or_else(|_| panic!("{query} is too short"));
        let mut found = BTreeMap::new();
        for (sort, words) in plan.fuzzy.iter().flat_map(|read| self.read(read)) {
            if let Some(slips) = plan.forgives(words) {
                found.insert(split(sort).1.to_owned(), slips);
            }
        }
        let mut ranked: Vec<_> = found.into_iter().map(|(id, slips)| (slips, id)).collect();
        ranked.sort();
        ranked.into_iter().map(|(_, id)| id).collect()
    }
}

fn named<'a>(first: &'a str, last: &'a str) -> Subject<'a> {
    Subject { first, last, ..Subject::default() }
}

fn harbor() -> Store {
    let mut store = Store::default();
    store.put(
        "jane",
        &Subject {
            first: "Jane",
            last: "Smith",
            emails: vec!["jane.smith+portal@mail.example.org", "smith12@example.com"],
            phones: vec!["+1 (555) 555-0142", "020 7946 0958 ext. 12"],
            record_number: "HP-100050",
            date_of_birth: "1984-03-12",
            ..Subject::default()
        },
    );
    store.put("obrien", &Subject { preferred: "Pat", ..named("Patrick", "O'Brien") });
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
    store
}

fn keys_of(subject: &Subject<'_>) -> Vec<String> {
    entries(subject).keys.iter().map(|key| format!("{}|{}", key.partition, key.token)).collect()
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
    let tokens = |first, last| tokens_of(&entries(&named(first, last)));
    assert_eq!(tokens("", "D’Angelo-Müller"), ["angelo", "dangelo", "dangelomuller", "muller"]);
    assert_eq!(tokens("Thị Minh Khai", ""), ["khai", "minh", "thi", "thiminhkhai"]);
    assert_eq!(tokens("", "García Márquez"), ["garcia", "garciamarquez", "marquez"]);
    assert_eq!(
        tokens("", "García Cruz‐Gómez"),
        ["cruz", "cruzgomez", "garcia", "garciacruzgomez", "gomez"]
    );
    assert_eq!(tokens("李", "小龍"), ["小龍", "小龍李", "李", "李小龍", "龍"]);
    assert_eq!(tokens("李Bruce", ""), ["bruce", "李bruce"]);
    assert_eq!(tokens("J", "Li"), ["j", "li"]);
    assert_eq!(tokens("'", "--"), Vec::<String>::new());
}

#[test]
fn the_entries_of_a_client() {
    let subject = Subject {
        first: "Jane",
        last: "O'Brien",
        emails: vec!["j.ob@example.org"],
        phones: vec!["+1 (555) 555-0142"],
        record_number: "HP-100050",
        date_of_birth: "1984-03-12",
        ..Subject::default()
    };
    assert_eq!(
        entries(&subject).words,
        " brien jane obrien / 0142 100050 19840312 5550142 5555550142 exampleorg hp100050 \
         jobexampleorg obexampleorg "
    );
    assert_eq!(
        keys_of(&subject),
        [
            "01|0142",
            "10|100050",
            "19|19840312",
            "55|5550142",
            "55|5555550142",
            "br|brien",
            "br+ja|brien jane",
            "br+ob|brien obrien",
            "ex|exampleorg",
            "hp|hp100050",
            "ja|jane",
            "ja+ob|jane obrien",
            "jo|jobexampleorg",
            "ob|obexampleorg",
            "ob|obrien",
            "~bmr|brien",
            "~gm|jane",
            "~obmr|obrien",
        ]
    );
}

#[test]
fn a_client_without_anything_has_no_entries() {
    let empty = entries(&Subject::default());
    assert!(empty.keys.is_empty() && tokens_of(&empty).is_empty());
    assert_eq!(empty.words, " ");
    assert_eq!(entries(&named("X", "")).words, " x ");
    assert!(entries(&named("X", "")).keys.is_empty());
}

#[test]
fn phones_records_and_addresses_in_their_pieces() {
    assert_eq!(phone_tokens("+1 (555) 555-0142"), ["5555550142", "5550142", "0142"]);
    assert_eq!(phone_tokens("1-555-555-0142 x99"), ["5555550142", "5550142", "0142"]);
    assert_eq!(phone_tokens("+44 20 7946 0958"), ["442079460958", "9460958", "0958"]);
    assert_eq!(phone_tokens("tel. 911"), ["911", "911", "911"]);
    assert_eq!(phone_tokens("none"), ["", "", ""]);
    assert_eq!(
        email_tokens("jane_a.smith-b+tag@mail.example.org"),
        [
            "janeasmithbtagmailexampleorg",
            "asmithbtagmailexampleorg",
            "smithbtagmailexampleorg",
            "btagmailexampleorg",
            "tagmailexampleorg",
            "mailexampleorg"
        ]
    );
    assert_eq!(email_tokens("no-at"), ["noat"], "suffixes of two letters are left out");
}

#[test]
fn every_token_has_exactly_one_entry_and_all_stay_within_a_transaction() {
    let long = "Wolfeschlegelsteinhausenbergerdorff ".repeat(20);
    let many =
        "Ana-Bela Caio Dora-Eva Fabio Gil Hugo-Ivo Jana Kai-Lena Mia Nils Olaf-Pia Rosa".to_owned();
    let kana = "アレクサンダー・シュワルツェネッガー".repeat(4);
    let texts = [long.as_str(), many.as_str(), kana.as_str(), "李", "O'Brien", "", "a b c d e f"];
    let mails: Vec<String> =
        (0..20).map(|n| format!("a.b{n}.cde{n}-fgh+tag{n}@mail{n}.example")).collect();
    let phones: Vec<String> = (0..20).map(|n| format!("+44 20 7946 {n:04}")).collect();
    let mut most = 0;
    for first in texts {
        for last in texts {
            for preferred in texts {
                let made = entries(&Subject {
                    first,
                    last,
                    preferred,
                    emails: mails.iter().map(String::as_str).collect(),
                    phones: phones.iter().map(String::as_str).collect(),
                    record_number: "HP-100050",
                    date_of_birth: "1984-03-12",
                });
                most = most.max(made.keys.len());
                assert!(made.keys.is_sorted() && made.keys.windows(2).all(|k| k[0] != k[1]));
                let tokens = tokens_of(&made);
                assert!(tokens.iter().all(|t| t.chars().count() <= TOKEN_CHARS));
                for token in &tokens {
                    let own = partition(token);
                    let here = made
                        .keys
                        .iter()
                        .filter(|k| k.token == *token && Some(&k.partition) == own.as_ref());
                    assert_eq!(here.count(), usize::from(own.is_some()), "{token}");
                }
                for sure in ["hp100050", "19840312", "9460000"] {
                    assert!(tokens.iter().any(|t| t == sure), "{sure} has room");
                }
                let both = |name: &str| {
                    name.is_empty() || {
                        let start: String = token(name.split(is_name_break).next().unwrap_or(name));
                        tokens.contains(&start)
                    }
                };
                assert!(both(first) && both(last) && both(preferred), "each name has room");
            }
        }
    }
    assert!(most <= MAX_ENTRIES && MAX_ENTRIES < 60 && 2 * MAX_ENTRIES <= 92, "{most}");
}

#[test]
fn finds_every_client_by_what_people_type() {
    let store = harbor();
    for (id, queries) in [
        (
            "jane",
            "smi jan | jan smi | Smith, Jane | Smith,Jane | j smith | ja | \
             jane smith 0142 hp-1 | smith 1984-03-12 | 1984-03-12 smi | 1984-03-12 | 3/12/1984 | \
             03/12/1984 | 03.12.1984 | 19840312 | 1984 | HP-100050 | hp100050 | hp1 | 100050 | \
             0142 | 5550142 | 555-0142 | (555) 555-0142 | 555 555 0142 | 1 555 555 0142 | \
             +1 555-555-0142 | +15555550142 | ５５５-０１４２ | 0958 | 020 7946 0958 | \
             jane.smith+portal@mail.example.org | jane.sm | smith+por | portal@mail | \
             @mail.example.org | smith12 | jane smith12 | portal jane",
        ),
        ("obrien", "obrien | O'Brien | O’BRIEN | o brien | brien pat | o'b patr"),
        ("zoe", "d'angelo muller | D’Angelo-Müller | dangelo-muller zoe | zo mu"),
        ("gabriel", "garcia | García | marquez | garcia marquez gabriel | garciamarq"),
        ("nguyen", "Nguyễn | nguyen | nguyen khai | thi minh khai nguyen | thiminh"),
        ("li", "李 | 小 | 龍 | 小龍 | 李小龍 | 小龍李 | 李 小龍"),
        ("kim", "김 | 김민수 | 민수 김 | 수"),
        ("tanaka", "たなかはな | なか"),
        ("injection", "robert drop | Robert'); | <script>alert(1)</script>"),
        ("cher", "cher"),
        ("yiannis", "γιαννης | ΓΙΑΝΝΗΣ παπ"),
        ("sergei", "королев"),
        ("muhammad", "محمد | احمد"),
    ] {
        for query in queries.split(" | ") {
            assert_eq!(store.exact(query), [id], "{query}");
        }
    }
    assert!(store.exact("smith gabriel").is_empty());
    assert!(store.exact("jane 0143").is_empty());
}

#[test]
fn forgives_typos() {
    let store = harbor();
    for (id, queries) in [
        ("obrien", "obrein | obrian"),
        (
            "jane",
            "smtih | smit h | smoth | smih | jnae smith | smtih jane | smtih jaen | \
             jan smtih 0142",
        ),
        ("johnson", "jonson | johnsson | micheal | micheal jonson | johnspn"),
        ("gabriel", "gacia | marques"),
        ("zoe", "mueller"),
        ("nguyen", "nguyne"),
        ("yiannis", "γιανης"),
    ] {
        for query in queries.split(" | ") {
            let found = [store.exact(query), store.near(query)].concat();
            assert!(found.iter().any(|found| found == id), "{query}: {found:?}");
        }
    }
    assert!(!store.near("smith").iter().any(|id| id == "jane"), "an exact match is no near miss");
    assert!(store.near("smtih 0143").is_empty(), "numbers are not forgiven");
    assert!(store.near("hp100051").is_empty());
    assert!(store.near("smtih gabriel").is_empty());
}

#[test]
fn counts_slips() {
    let slips = |query, words| plan(query).ok().and_then(|plan| plan.forgives(words));
    assert_eq!(slips("smtih", " jane smith "), Some(1));
    assert_eq!(slips("smtih jaen", " jane smith "), Some(2));
    assert_eq!(slips("smtih jan", " jane smith / 0142 "), Some(1));
    assert_eq!(slips("smith jan", " jane smith "), None, "exact");
    assert_eq!(slips("smxxh", " jane smith "), None, "two slips in five letters");
    assert_eq!(slips("johxxon", " johnson "), Some(2));
    assert_eq!(slips("joxxxon", " johnson "), None);
    assert_eq!(slips("jax", " jan "), None, "three letters are not forgiven");
    assert_eq!(slips("portla", " jane / portal "), None, "only names are forgiven");
    assert_eq!(slips("smtih", " "), None);
}

#[test]
fn too_short_queries() {
    for query in
        ["", " ", "j", "j s", "1", "+1", "'", "--", "é", "()", " , ", "#", "+1 5", "\u{301}"]
    {
        assert_eq!(plan(query).err(), Some(TooShort), "{query:?}");
    }
    for query in ["ja", "李", "j sm", "12", "é́é", "ß", "が"] {
        assert!(plan(query).is_ok(), "{query:?}");
    }
    assert_eq!(TooShort.to_string(), "type at least two characters");
}

#[test]
fn words_of_a_query() {
    let words = |query| plan(query).map(|plan| plan.words).unwrap_or_default();
    assert_eq!(words("Smi  JAN"), ["smi", "jan"]);
    assert_eq!(words("jan jane JANE ja"), ["jane"], "what another word implies is left out");
    assert_eq!(words("D'Angelo-Müller"), ["dangelomuller"]);
    assert_eq!(words("555 0142"), ["5550142"], "only numbers: one phone");
    assert_eq!(words("smith 555 0142"), ["smith", "555", "0142"]);
    assert_eq!(words("1984-03-12 555 0142"), ["19840312", "5550142"]);
    assert_eq!(words(&"x".repeat(100))[0].len(), TOKEN_CHARS);
}

#[test]
fn dates_in_either_order() {
    for (word, date) in [
        ("1984-03-12", "19840312"),
        ("1984/3/12", "19840312"),
        ("3/12/1984", "19840312"),
        ("03.12.1984", "19840312"),
        ("13/12/1984", "19841213"),
        ("12-13-1984", "19841213"),
        ("19840312", "19840312"),
        ("2/29/2000", "20000229"),
    ] {
        assert_eq!(date_token(word).as_deref(), Some(date), "{word}");
    }
    for word in [
        "2/30/1984",
        "2/29/1900",
        "13/13/1984",
        "0/1/1984",
        "3/12/84",
        "3/12",
        "1984-03",
        "12345678",
        "1984-03-1",
        "1984-0312",
        "1984-03-12-1",
        "3/12-1984",
        "+3/12/1984",
        "a/b/1984",
        "jane",
    ] {
        assert_eq!(date_token(word), None, "{word}");
    }
}

#[test]
fn plans_are_bounded_and_aim_at_small_partitions() {
    let reads = |query| {
        let plan = plan(query).unwrap_or_else(|_| panic!("{query}"));
        let show = |reads: &[Read]| -> Vec<String> {
            reads
                .iter()
                .map(|r| format!("{}|{}|{}", r.partition, r.prefix, r.filters.concat()))
                .collect()
        };
        (show(&plan.reads), show(&plan.fuzzy))
    };
    let (exact, fuzzy) = reads("smi jan");
    assert_eq!(exact, ["ja+sm|| smi jan", "sm|smi| jan"]);
    assert!(fuzzy.is_empty(), "three letters are not forgiven");
    let (exact, fuzzy) = reads("smtih");
    assert_eq!(exact, ["sm|smtih|"]);
    assert_eq!(fuzzy, ["~sdm||", "sm|sm|"]);
    let (exact, fuzzy) = reads("smith 0142 jaen");
    assert_eq!(exact, ["ja+sm|| smith jaen 0142", "01|0142| smith jaen"]);
    assert_eq!(fuzzy, ["ja+sm|| 0142", "~sdm|| 0142"]);
    let (exact, fuzzy) = reads("小龍 李");
    assert_eq!(exact, ["小+李|| 小龍 李", "小|小龍| 李"]);
    assert!(fuzzy.is_empty());
    let many: String = ('a'..='z').flat_map(|c| [c, c, c, c, ' ']).collect();
    let plan = plan(&many).unwrap_or_else(|_| panic!("{many}"));
    assert_eq!(plan.words.len(), 26);
    assert!(plan.reads.len() <= 2 && plan.fuzzy.len() <= 2);
    assert!(plan.reads.iter().chain(&plan.fuzzy).all(|read| read.filters.len() <= FILTERS));
}

#[test]
fn filters_that_did_not_fit_are_checked_on_the_answer() {
    let query = "aa bb cc dd ee ff gg hh ii jj kk";
    let plan = plan(query).unwrap_or_else(|_| panic!());
    let words = " aa bb cc dd ee ff gg hh ii jj ";
    assert!(!plan.shows(0, "", words));
    assert!(plan.shows(0, "", &format!("{words}kk ")));
    assert!(!plan.shows(2, "", &format!("{words}kk ")), "no such read");
}

#[test]
fn spellings_that_sound_alike_share_a_partition() {
    for (a, b) in [
        ("smith", "smtih"),
        ("obrien", "obrein"),
        ("johnson", "jonson"),
        ("michael", "micheal"),
        ("catherine", "katherine"),
        ("steven", "stephen"),
        ("rodriguez", "rodiguez"),
    ] {
        assert_eq!(sound(a), sound(b), "{a} {b}");
    }
    assert_eq!(sound("smith").as_deref(), Some("~sdm"));
    for none in ["", "jan", "小龍小龍", "smith1", "король"] {
        assert_eq!(sound(none), None, "{none}");
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
                first,
                last,
                preferred: if n % 5 == 0 { dice.one(FIRST) } else { "" },
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
fn lists_every_match_and_nobody_twice_whatever_the_pages() {
    let store = crowd(600);
    let queries = "ja | jan | jane | smi | smith | smi jan | jan smi | smith smithson | smi smy | \
        an an ann | anna anne | mary ann | garcia | ga ma | garcia marq jan | o brien | \
        d'angelo muller | angelo | 李 | 小 | 李 小龍 | 李小龍 | 龍 李 | た な | 김 민 | example | \
        examplecom jan | jan smi example | 555 | 5555 | 19 | 1984 jan | hp | hp1000 | 10 | \
        drop table | мар кор | robert clients jan | j smi | janesmith jane | \
        cruz gomez de | de la cruz";
    let mut hits = 0;
    for query in queries.split(" | ") {
        let plan = plan(query).unwrap_or_else(|_| panic!("{query}"));
        let mut expected: Vec<&String> = store
            .clients
            .iter()
            .filter(|(_, made)| {
                plan.words.iter().all(|w| tokens_in(&made.words).any(|t| t.starts_with(w.as_str())))
            })
            .map(|(id, _)| id)
            .collect();
        expected.sort();
        hits += expected.len();
        for limit in [1, 7, 50, usize::MAX] {
            let mut listed = Vec::new();
            let mut cursor = None;
            loop {
                let (ids, next) = store.page(&plan, cursor.as_ref(), limit);
                assert!(next.is_none() || ids.len() == limit);
                listed.extend(ids);
                cursor = next;
                if cursor.is_none() {
                    break;
                }
            }
            listed.sort();
            assert_eq!(listed.iter().collect::<Vec<_>>(), expected, "{query} by {limit}");
        }
        for near in store.near(query) {
            assert!(!expected.contains(&&near), "{query}: {near} is no near miss");
        }
    }
    assert!(hits > 2000, "the queries find something: {hits}");
}

#[test]
fn whoever_is_typed_as_written_is_found() {
    let letters: Vec<char> =
        "aAbeéßøøłnNñʼ'’´`.-‐·・,，、;/()\"<>#~+&  \u{3000}\u{301}\u{200B}李小龍がガ김Жжαςאبा"
            .chars()
            .collect();
    let mut dice = Dice(7);
    let mut name = |longest| -> String {
        (0..dice.below(longest)).map(|_| letters[dice.below(letters.len())]).collect()
    };
    for _ in 0..3000 {
        let (first, last) = (name(9), name(14));
        let mut store = Store::default();
        store.put("c", &named(&first, &last));
        for query in
            [format!("{first} {last}"), format!("{last} {first}"), last.clone(), fold(&first)]
        {
            if plan(&query).is_ok() {
                assert_eq!(store.exact(&query), ["c"], "{query:?} for {first:?} {last:?}");
            }
        }
    }
}

#[test]
fn a_typical_client_has_few_entries() {
    let store = crowd(300);
    let most = store.clients.values().map(|made| made.keys.len()).max().unwrap_or_default();
    assert!(most <= MAX_ENTRIES);
    let total: usize = store.clients.values().map(|made| made.keys.len()).sum();
    assert!(total / store.clients.len() <= 25, "{}", total / store.clients.len());
}
