use super::*;
use crate::state::TestFolder;

fn file(content: &[u8]) -> (TestFolder, PathBuf) {
    let folder = TestFolder::new();
    let path = folder.0.join("roster.csv");
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

fn with_rows(rows: &str) -> (TestFolder, PathBuf) {
    file(format!("{}\r\n{rows}", COLUMNS.join(",")).as_bytes())
}

/// The 26th of November 2026, at noon in UTC.
fn now() -> At {
    At::from_millis(1_795_694_400_000)
}

fn said(rows: &str) -> String {
    let (_folder, path) = with_rows(rows);
    check(&path, now()).unwrap_err().to_string()
}

fn rows(rows: &str) -> Vec<Row> {
    let (_folder, path) = with_rows(rows);
    assert!(check(&path, now()).is_ok(), "{}", check(&path, now()).unwrap_err());
    Roster::open(&path, now()).unwrap().map(Result::unwrap).collect()
}

#[test]
fn reads_names_of_all_kinds_and_guardians() {
    let rows = rows(
        "HP-1,Zoë,D’Angelo-Müller,,2013-09-08,zo@example.com,(238) 555-0107,J. W.,Holly,,h@example.org,parent\r\n\
         HP-2,<b>Bo</b>,<script>alert(1)</script>,,1950-08-18,,,,,,,\r\n\
         HP-3,\"Robert'); DROP TABLE clients;--\",,\"Bob, \"\"B\"\"\",1971-07-25,,,,,,,\r\n\r\n",
    );
    assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(rows[0].guardian.as_ref().unwrap().relationship, Relationship::Parent);
    assert_eq!(rows[1].client.name.last.as_str(), "<script>alert(1)</script>");
    assert!(rows[1].client.emails.is_empty());
    assert!(rows[2].client.name.last.is_empty());
    assert_eq!(rows[2].client.name.preferred.as_ref().unwrap().as_str(), "Bob, \"B\"");
}

#[test]
fn lines_without_values_are_passed_over_and_counted() {
    let rows = rows(
        "\n\r\n,,,,,,,,,,,\n1,A,B,,1980-01-01,,,,,,,\n\n\n  , ,,,,,,,,,,\r\n\
         2,A,\"Multi\",,1980-01-01,,,\"Dr. A\",,,,\n\n3,A,B,,1980-01-01,,,,,,,,,,\n4,A,B,,1980-01-01,,,,,,,",
    );
    assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [5, 9, 11, 12]);
    let text = said("\n\n1,\"A\n\nA\",B,,1980-01-01,,,,,,,\n\n2,A,B,,never,,,,,,,");
    assert!(text.contains("line 4: first_name: is wrong: Remove line breaks"), "{text}");
    assert!(text.contains("line 8: date_of_birth: is wrong: Enter a date"), "{text}");
}

#[test]
fn a_wrong_optional_field_costs_the_field_and_is_named() {
    let rows = rows(
        "1,A,B,,1980-01-01,.200@mail.example,ext. 4,Dr. A,,,,\n\
         2,A,B,,1980-01-01,b@mail.example,555 0107 ext. 4,,G,H,none at all,parent\n\
         3,A,B,,1980-01-01,c@mail.example,,,G,H,g@mail.example,cousin\n",
    );
    let told = |row: &Row| row.left_out.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(told(&rows[0])[0].starts_with("line 2: email: is left out: Enter an e-mail"));
    assert!(told(&rows[0])[1].starts_with("line 2: phone: is left out: Enter a phone"));
    assert!(rows[0].client.emails.is_empty() && rows[0].client.professional.is_some());
    assert_eq!(rows[1].client.phones[0].number.as_str(), "555 0107 x4");
    assert!(told(&rows[1])[0].starts_with("line 3: guardian_email: the guardian is left out"));
    assert!(told(&rows[2])[0].contains("parent, guardian, spouse, other"));
    assert!(rows[1].guardian.is_none() && rows[2].guardian.is_none());
}

#[test]
fn an_optional_field_that_says_none_is_none() {
    for none in ["N/A", "n/a", "-", "--", "none", "None", "NULL", ".", "unknown", "(none)", "#N/A"]
    {
        let rows = rows(&format!(
            "1,A,B,{none},1980-01-01,{none},{none},{none},{none},{none},{none},{none}\n"
        ));
        let row = &rows[0];
        assert!(row.left_out.is_empty() && row.guardian.is_none(), "{none}: {:?}", row.left_out);
        assert!(row.client.emails.is_empty() && row.client.phones.is_empty(), "{none}");
        assert!(row.client.professional.is_none() && row.client.name.preferred.is_none(), "{none}");
    }
}

#[test]
fn a_birth_today_anywhere_on_earth_is_no_future() {
    assert_eq!(rows("1,A,B,,2026-11-26,,,,,,,\n2,A,B,,2026-11-27,,,,,,,\n").len(), 2);
    assert!(said("1,A,B,,2026-11-28,,,,,,,\n").contains("line 2: date_of_birth: is in the future"));
}

#[test]
fn record_numbers_are_one_when_they_differ_in_case_and_kind_of_separator_alone() {
    assert_eq!(
        rows(
            "12-1,A,B,,1980-01-01,,,,,,,\n1-21,A,B,,1980-01-01,,,,,,,\n121,A,B,,1980-01-01,,,,,,,\n"
        )
        .len(),
        3
    );
    let text = said("HC/2024-0017,A,B,,1980-01-01,,,,,,,\nhc 2024 0017,A,B,,1980-01-01,,,,,,,\n");
    assert!(
        text.contains("line 3: record_number: \"hc 2024 0017\" is already used on line 2"),
        "{text}"
    );
}

#[test]
fn a_byte_order_mark_as_excel_writes_it_is_no_mistake() {
    let text = format!("\u{feff}{}\n1,A,B,,1980-01-01,,,,,,,\n", COLUMNS.join(","));
    let (_folder, path) = file(text.as_bytes());
    assert_eq!(check(&path, now()), Ok(1));
}

#[test]
fn mistakes_name_line_and_column_and_no_one() {
    let text = said(
        "1,A,B,,1984-13-40,,,,,,,\n\
         2,A,B,,19800101,,,,,,,\n\
         3,,,,1980-01-01,someone at home,,,,,,\n\
         1,A,B,,1980-01-01,,,,,,,\n\
         5,A,B,,2999-01-01,,,,,,,\n\
         6,A\n\
         7,\"two\nlines\",B,,1980-01-01,,,,G,,,cousin\n\
         ?,A,B,,1980-01-01,,,,,,,\n",
    );
    for expected in [
        "line 2: date_of_birth: is wrong: Enter a date that exists, as YYYY-MM-DD.",
        "line 3: date_of_birth: is wrong",
        "line 4: first_name: is missing, and last_name too",
        "line 5: record_number: \"1\" is already used on line 2",
        "line 6: date_of_birth: is in the future",
        "line 7: has 2 columns instead of 12",
        "line 8: first_name: is wrong: Remove line breaks",
        "line 10: record_number: is wrong: Use letters and digits",
    ] {
        assert!(text.contains(expected), "{expected} is not in:\n{text}");
    }
    assert!(!text.contains("someone at home"));
}

#[test]
fn many_mistakes_are_counted_not_all_shown() {
    let rows = "1,A,B,,never,,,,,,,\n".repeat(50);
    let text = said(&rows);
    assert_eq!(text.lines().count(), SHOWN + 1);
    // Each but the first repeats the record number too.
    assert!(text.ends_with("and 79 more"), "{text}");
}

#[test]
fn a_file_that_is_no_roster_is_one_clear_line() {
    let (_folder, wrong_header) = file(b"name,birthday\nA,1980-01-01\n");
    let (_folder2, empty) = file(b"");
    let (_folder3, image) = file(b"\x89PNG\r\n\x1a\n\0\0\xff\xfe");
    for path in [&wrong_header, &empty, &image] {
        let text = check(path, now()).unwrap_err().to_string();
        assert!(text.contains("must start with the line"), "{text}");
        assert_eq!(text.lines().count(), 1);
    }
    let missing = check(Path::new("/nowhere/roster.csv"), now()).unwrap_err().to_string();
    assert!(missing.contains("cannot be read"), "{missing}");
    let folder = check(&std::env::temp_dir(), now()).unwrap_err().to_string();
    assert!(folder.contains("cannot be read"), "{folder}");
}

#[test]
fn text_that_is_not_utf8_is_named_by_its_place() {
    let mut content =
        format!("{}\n1,A,B,,1980-01-01,,,,,,,\n2,Jos", COLUMNS.join(",")).into_bytes();
    content.extend(b"\xe9,B,,1980-01-01,,,,,,,\n");
    let (_folder, path) = file(&content);
    let text = check(&path, now()).unwrap_err().to_string();
    assert!(text.contains("line 3: first_name: is not UTF-8"), "{text}");
}
