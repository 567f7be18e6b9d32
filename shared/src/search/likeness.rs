//! Whether two names may be those of one person: for clients with one date of birth.

use strsim::osa_distance;

use super::{
    entries::{Named, pair_key, partition, token},
    fold::{fold, is_name_break, spellings},
    plan::{Range, Read},
    query::is_title,
    words::Tokens,
};

/// Names of fewer letters than this are other names when a letter differs (Li, Lu).
const SLIP_FROM: usize = 4;

/// Whether one of a person's names (the present one, earlier ones) is like one of another's: the
/// same first and last name in either order, with the preferred name for the first, in any
/// spelling, without titles and initials, but for one slip.
#[must_use]
pub fn names_alike(one: &[Named<'_>], other: &[Named<'_>]) -> bool {
    let (one, other) = (variants(one), variants(other));
    one.iter().any(|(first, last)| {
        other.iter().any(|(other_first, other_last)| {
            let straight = slips(first, other_first) + slips(last, other_last);
            let swapped = slips(first, other_last) + slips(last, other_first);
            straight.min(swapped) <= 1
        })
    })
}

/// Whether the client with these `words` may have a name that is like this one: what entries tell,
/// before the client is read and [`names_alike`] decides.
#[must_use]
pub fn may_be_alike(words: &str, name: Named<'_>) -> bool {
    let known: Vec<Vec<String>> =
        Tokens::of(words).names().into_iter().map(|known| vec![known.to_owned()]).collect();
    let known = |part: &[String]| {
        part.iter().all(String::is_empty) || known.iter().any(|known| slips(part, known) <= 1)
    };
    variants(&[name]).iter().any(|(first, last)| known(first) && known(last))
}

/// The reads that find everybody with a date of birth (`YYYY-MM-DD`) and a like name. Those of the
/// day come first: where they are more than a page, the further ones still find the same name.
#[must_use]
pub fn born_alike(date: &str, name: Named<'_>) -> Vec<Read> {
    let read = |partition: String, token: &str, limit: usize| Read {
        partition,
        range: Range::Prefix(format!("{token}#")),
        after: None,
        limit,
    };
    let day = token(date);
    let mut reads = Vec::new();
    reads.extend(partition(&day).map(|partition| read(partition, &day, BORN)));
    for part in [name.last, name.first] {
        if let Some((partition, pair)) = pair_key(&token(part), &day) {
            reads.push(read(partition, &pair, BORN_AND_NAMED));
        }
    }
    reads
}

/// Entries read of everybody born on one day.
const BORN: usize = 300;
/// Entries read of everybody born on one day with one name.
const BORN_AND_NAMED: usize = 50;

/// Every first with every last name of a person.
fn variants(names: &[Named<'_>]) -> Vec<(Vec<String>, Vec<String>)> {
    let mut variants = Vec::new();
    for name in names {
        variants.push((bare(name.first), bare(name.last)));
        if !name.preferred.is_empty() {
            variants.push((bare(name.preferred), bare(name.last)));
        }
    }
    // A married client keeps the first name, and may have a preferred one that the chart got later.
    let lasts: Vec<Vec<String>> = variants.iter().map(|(_, last)| last.clone()).collect();
    let firsts: Vec<Vec<String>> = variants.iter().map(|(first, _)| first.clone()).collect();
    for first in &firsts {
        for last in &lasts {
            variants.push((first.clone(), last.clone()));
        }
    }
    variants.dedup();
    variants
}

/// The spellings of a name, with and without titles and initials.
fn bare(name: &str) -> Vec<String> {
    let parts: Vec<&str> =
        name.split(is_name_break).filter(|part| !fold(part).is_empty()).collect();
    let kept: Vec<&str> = parts
        .iter()
        .copied()
        .filter(|part| {
            let folded = fold(part);
            folded.chars().nth(1).is_some() && !is_title(&folded)
        })
        .collect();
    let mut bare = spellings(&parts.concat());
    if !kept.is_empty() && kept.len() < parts.len() {
        bare.extend(spellings(&kept.concat()));
    }
    bare
}

/// The fewest slips between two spellings; more than one counts as many.
fn slips(one: &[String], other: &[String]) -> usize {
    const MANY: usize = 9;
    let pairs = one.iter().flat_map(|a| other.iter().map(move |b| (a, b)));
    let slip = |(a, b): (&String, &String)| {
        if a == b {
            return 0;
        }
        let letters =
            |name: &str| name.chars().count() >= SLIP_FROM && name.chars().all(char::is_alphabetic);
        if letters(a) && letters(b) && osa_distance(a, b) == 1 { 1 } else { MANY }
    };
    pairs.map(slip).min().unwrap_or(MANY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named<'a>(first: &'a str, last: &'a str) -> Named<'a> {
        Named { first, last, preferred: "" }
    }

    #[test]
    fn a_like_name_may_be_the_same_person() {
        let jane = named("Jane", "O'Brien");
        for (first, last) in [
            ("Jane", "O'Brien"),
            ("JANE", "obrien"),
            ("O\u{2019}Brien", "Jane"),
            ("Jan e", "O Brien"),
            ("Jnae", "O'Brien"),
            ("Jane", "O'Brian"),
            ("Jane T.", "O'Brien Jr."),
            ("Mrs. Jane", "O'Brien"),
        ] {
            assert!(names_alike(&[named(first, last)], &[jane]), "{first} {last}");
        }
        for (first, last) in [
            ("John", "O'Brien"),
            ("Jane", "Okafor"),
            ("Jnae", "O'Brian"),
            ("Jane", ""),
            ("Jane2", "O'Brien"),
        ] {
            assert!(!names_alike(&[named(first, last)], &[jane]), "{first} {last}");
        }
        assert!(names_alike(&[named("Jörg", "Böhm")], &[named("Joerg", "Boehm")]));
        assert!(names_alike(&[named("", "Cher")], &[named("Cher", "")]));
        assert!(!names_alike(&[named("Li", "Wu")], &[named("Lu", "Wu")]));
        assert!(!names_alike(&[named("Jane0", "Smith")], &[named("Jane1", "Smith")]));
    }

    #[test]
    fn preferred_and_former_names_count() {
        let patrick = Named { first: "Patrick", last: "Bell", preferred: "Pat" };
        assert!(names_alike(&[named("Pat", "Bell")], &[patrick]));
        assert!(names_alike(&[patrick], &[named("Pat", "Bell")]));
        let renamed = [named("Amara", "Bell"), named("Amara", "Okafor")];
        assert!(names_alike(&[named("Amara", "Okafor")], &renamed));
        assert!(names_alike(&[named("Amara", "Bell")], &renamed));
        assert!(!names_alike(&[named("Amara", "Smith")], &renamed));
    }
}
