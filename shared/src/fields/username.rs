//! Sign-in names: PRECIS `UsernameCaseMapped` (RFC 8265), and which names look alike (UTS 39).

use std::borrow::Cow;

use precis_profiles::{UsernameCaseMapped, precis_core::profile::PrecisFastInvocation};
use unicode_normalization::UnicodeNormalization;
use unicode_security::{MixedScript, RestrictionLevel, RestrictionLevelDetection};

use super::{Email, Refusal, Username, email, pasted, refusal, text};

/// A sign-in name as typed, case and all. One that is an e-mail address is taken as such, so that the
/// same address, however it is wrapped, is the same name.
pub(super) fn parse(raw: &str) -> Result<String, Refusal> {
    const SPACES: Refusal = refusal("has_spaces", "A username has no spaces.");
    let value = text(raw, 1, 254)?;
    if value.contains('@')
        && let Ok(address) = email(&value)
    {
        return Ok(address);
    }
    if value.chars().any(char::is_whitespace) {
        return Err(SPACES);
    }
    let value: String = pasted::narrow(&value).nfc().collect();
    if mapped(&value).is_none() {
        return Err(Refusal::rule(
            "not_a_username",
            "Use letters, digits and signs of a keyboard, such as . _ - + @.",
        ));
    }
    if mixes_scripts(&value) {
        return Err(Refusal::rule(
            "mixed_scripts",
            "Use letters of one alphabet: letters of others that look alike could pass for them.",
        ));
    }
    Ok(value)
}

/// The form that RFC 8265 compares; `None` for what can be no username.
fn mapped(value: &str) -> Option<String> {
    UsernameCaseMapped::enforce(value).ok().map(Cow::into_owned)
}

/// Whether letters of one script stand among those of another that look like them. Latin beside most
/// others is usual in addresses; beside Cyrillic and Greek it is how names are forged.
fn mixes_scripts(value: &str) -> bool {
    let letters: String = value.chars().filter(|c| c.is_alphabetic()).collect();
    !letters.is_empty()
        && !letters.is_single_script()
        && letters.detect_restriction_level() > RestrictionLevel::ModeratelyRestrictive
}

impl Username {
    /// The form in which usernames are compared (RFC 8265, section 3.3).
    #[must_use]
    pub fn folded(&self) -> String {
        mapped(&self.0).unwrap_or_else(|| self.0.nfkc().collect::<String>().to_lowercase())
    }

    /// How the name looks (UTS 39, section 4): two names with one skeleton can be taken for each other.
    /// Plain ASCII stands for itself, since `paul1@…` and `paull@…` are addresses of two people; what
    /// other letters look like is compared with that.
    #[must_use]
    pub fn skeleton(&self) -> String {
        let look = |c: char| -> String {
            if c.is_ascii() {
                return c.to_string();
            }
            unicode_security::skeleton(c.encode_utf8(&mut [0; 4])).collect()
        };
        self.folded().chars().map(look).collect::<String>().to_lowercase()
    }
}

impl From<&Email> for Username {
    fn from(email: &Email) -> Self {
        Self(email.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(raw: &str) -> Username {
        Username::parse(raw).unwrap()
    }

    #[test]
    fn a_name_is_what_can_be_typed_again() {
        for (raw, kept) in [
            ("amara.okafor\u{200b}", "amara.okafor"),
            ("\u{202a}amara\u{202c}", "amara"),
            ("Amara", "Amara"),
            ("am\u{2011}ara", "am-ara"),
            ("\u{ff41}mara", "amara"),
            ("mailto:ann@mail.example", "ann@mail.example"),
            ("Ann <ann@mail.example>", "ann@mail.example"),
            ("ann@m\u{fc}ller.example", "ann@xn--mller-kva.example"),
            ("\u{430}\u{43c}\u{430}\u{440}\u{430}", "\u{430}\u{43c}\u{430}\u{440}\u{430}"),
            ("\u{7f8e}\u{54b2}sato", "\u{7f8e}\u{54b2}sato"),
            ("zo\u{eb}", "zo\u{eb}"),
        ] {
            assert_eq!(name(raw).as_str(), kept, "{raw:?}");
            assert_eq!(name(kept).as_str(), kept, "{raw:?}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused_with_what_would_be() {
        for (raw, code) in [
            ("\u{3164}", "not_visible"),
            ("two words", "has_spaces"),
            ("fox\u{1f98a}", "not_a_username"),
            ("\u{2163}", "not_a_username"),
            ("\u{430}mara.okafor", "mixed_scripts"),
            ("p\u{3b1}ul", "mixed_scripts"),
        ] {
            let refusal = Username::parse(raw).unwrap_err();
            assert_eq!(refusal.code, code, "{raw:?}");
            assert!(refusal.message.len() > 15, "{raw:?}");
        }
    }

    #[test]
    fn names_are_compared_without_case_and_width() {
        for (a, b) in [
            ("Amara", "aMARA"),
            ("\u{ff21}mara", "amara"),
            ("ZO\u{cb}", "zoe\u{308}"),
            ("Ann@Mail.example", "ann@mail.EXAMPLE"),
        ] {
            assert_eq!(name(a).folded(), name(b).folded());
        }
        assert_ne!(name("zoe").folded(), name("zo\u{eb}").folded());
    }

    #[test]
    fn names_that_look_alike_have_one_skeleton() {
        for (a, b) in
            [("\u{441}\u{43e}\u{440}\u{435}", "cope"), ("\u{3bf}\u{3bf}", "oo"), ("Amara", "amara")]
        {
            assert_eq!(name(a).skeleton(), name(b).skeleton());
        }
        // Two addresses of two people, in ordinary life.
        for (a, b) in [("paul1", "paull"), ("barne", "bame"), ("zo0", "zoo"), ("zoe", "zo\u{eb}")] {
            assert_ne!(name(a).skeleton(), name(b).skeleton());
        }
    }
}
