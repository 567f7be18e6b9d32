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

fn said(rows: &str) -> String {
    let (_folder, path) = with_rows(rows);
    check(&path).unwrap_err().to_string()
}

#[test]
fn reads_names_of_all_kinds_and_guardians() {
    let (_folder, path) = with_rows(
        "HP-1,Zoë,D’Angelo-Müller,,2013-09-08,zo@example.com,(238) 555-0107,J. W.,Holly,,h@example.org,parent\r\n\
         HP-2,<b>Bo</b>,<script>alert(1)</script>,,1950-08-18,,,,,,,\r\n\
         HP-3,\"Robert'); DROP TABLE clients;--\",,\"Bob, \"\"B\"\"\",1971-07-25,,,,,,,\r\n\r\n",
    );
    assert_eq!(check(&path), Ok(3));
    let rows: Vec<Row> = Roster::open(&path).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(rows[0].guardian.as_ref().unwrap().relationship, "parent");
    assert_eq!(rows[1].last_name, "<script>alert(1)</script>");
    assert_eq!(rows[1].email, None);
    assert_eq!(rows[2].last_name, "");
    assert_eq!(rows[2].preferred_name.as_deref(), Some("Bob, \"B\""));
}

#[test]
fn a_byte_order_mark_as_excel_writes_it_is_no_mistake() {
    let text = format!("\u{feff}{}\n1,A,B,,1980-01-01,,,,,,,\n", COLUMNS.join(","));
    let (_folder, path) = file(text.as_bytes());
    assert_eq!(check(&path), Ok(1));
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
         7,\"two\nlines\",B,,1980-01-01,,,,G,,,cousin\n",
    );
    for expected in [
        "line 2: date_of_birth: \"1984-13-40\" is not a date",
        "line 3: date_of_birth: \"19800101\" is not a date",
        "line 4: first_name: is missing, and last_name too",
        "line 4: email: is not an e-mail address",
        "line 5: record_number: \"1\" is already used on line 2",
        "line 6: date_of_birth: \"2999-01-01\" is in the future",
        "line 7: has 2 columns instead of 12",
        "line 8: first_name: has a line break",
        "line 8: guardian_email: is missing",
        "line 8: guardian_relationship: \"cousin\" is none of",
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
        let text = check(path).unwrap_err().to_string();
        assert!(text.contains("must start with the line"), "{text}");
        assert_eq!(text.lines().count(), 1);
    }
    let missing = check(Path::new("/nowhere/roster.csv")).unwrap_err().to_string();
    assert!(missing.contains("cannot be read"), "{missing}");
    let folder = check(&std::env::temp_dir()).unwrap_err().to_string();
    assert!(folder.contains("cannot be read"), "{folder}");
}

#[test]
fn text_that_is_not_utf8_is_named_by_its_place() {
    let mut content =
        format!("{}\n1,A,B,,1980-01-01,,,,,,,\n2,Jos", COLUMNS.join(",")).into_bytes();
    content.extend(b"\xe9,B,,1980-01-01,,,,,,,\n");
    let (_folder, path) = file(&content);
    let text = check(&path).unwrap_err().to_string();
    assert!(text.contains("line 3: first_name: is not UTF-8"), "{text}");
}
