//! A person's mail is hostile ground: these try to break out of it.

use super::Kind::{Access, Alert, Inbox};
use super::Language::{En, Es, Fr};
use super::*;
use crate::mail::MailKind::{
    AccessGranted, EmailChanged, EmailConfirmation, EmailReplaced, FactorAdded, FactorRemoved,
    FactorReset, Invitation, PasswordChanged, PasswordReset, RecoveryCodeMade, RecoveryCodeUsed,
    UsernameChanged,
};

const LINK: &str =
    "https://portal.harbor.example/enroll?lang=en&v=2#q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq8w";
const EXPIRES: &str = "November 29, 2026 at 5:00 PM EST";

fn letter(kind: Kind, language: Language) -> Letter<'static> {
    Letter {
        kind,
        practice_name: "Harbor Practice",
        person_name: "Chidi Okafor",
        username: Some("chidi.okafor"),
        record_number: Some("HC-2024-0017"),
        link: Link::new(LINK).expect("a good link"),
        expires: Some(EXPIRES),
        language,
    }
}

fn every() -> impl Iterator<Item = (Letter<'static>, Rendered)> {
    Language::ALL.into_iter().flat_map(|language| {
        let kinds = [
            Access(Invitation),
            Access(AccessGranted),
            Access(PasswordReset),
            Access(PasswordChanged),
            Access(FactorAdded),
            Access(FactorRemoved),
            Access(RecoveryCodeMade),
            Access(RecoveryCodeUsed),
            Access(FactorReset),
            Access(EmailChanged),
            Access(EmailReplaced),
            Access(EmailConfirmation),
            Access(UsernameChanged),
            Alert,
            Inbox,
        ];
        kinds.into_iter().map(move |kind| {
            let letter = letter(kind, language);
            (letter, render(&letter))
        })
    })
}

/// Whitespace as one space, so that wrapping does not matter.
fn flat(text: &str) -> String {
    text.split(['\n', ' ']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What a reader of the HTML sees: no head, no comments, no tags, entities read.
fn seen(html: &str) -> String {
    let (_, body) = html.split_once("<body").expect("a body");
    let mut text = String::new();
    let mut rest = body.split_once('>').expect("a closed tag").1;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        let end = if tag.starts_with("!--") { "-->" } else { ">" };
        rest = tag.split_once(end).expect("a closed tag").1;
    }
    text.push_str(rest);
    let read = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&");
    flat(&read)
}

#[test]
fn english_reads_as_intended() {
    let invitation = render(&letter(Access(Invitation), En));
    assert_eq!(invitation.subject, "Your invitation to the Harbor Practice client portal");
    assert_eq!(
        invitation.text,
        "Harbor Practice\n\
         \n\
         Hello Chidi Okafor,\n\
         \n\
         You have been invited by Harbor Practice to its Client Portal.\n\
         \n\
         To enroll, you will be asked for the last name and date of birth of the\n\
         client: yourself, or the person whose portal you will use. Then you\n\
         choose a password. If you already have an account with this portal, use\n\
         its password.\n\
         \n\
         Your sign-in name: chidi.okafor\n\
         \n\
         Enroll in Client Portal:\n\
         https://portal.harbor.example/enroll?lang=en&v=2#q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq8w\n\
         \n\
         This link is for you alone. It can be used once and expires on November\n\
         29, 2026 at 5:00 PM EST. If it no longer works, ask Harbor Practice for\n\
         a new invitation.\n\
         \n\
         Not expecting this?\n\
         Do not use the link and do not pass this mail on. Contact Harbor\n\
         Practice the way you usually do; as long as nobody enrolls, nothing\n\
         happens.\n\
         \n\
         Nobody at Harbor Practice will ever ask you for your password, by e-mail\n\
         or otherwise.\n"
    );
}

/// What a person must be told: subject, then phrases of both parts.
const MUST: [(Language, Kind, &str, &[&str]); 30] = [
    (
        En,
        Access(Invitation),
        "Your invitation to the Harbor Practice client portal",
        &[
            "Enroll in Client Portal",
            "last name and date of birth of the client",
            "used once",
            "expires on November 29, 2026",
            "Not expecting this?",
            "Do not use the link",
        ],
    ),
    (
        En,
        Access(AccessGranted),
        "Your access to the Harbor Practice client portal",
        &[
            "You have been granted access to the Client Portal of Harbor Practice",
            "Sign in with your existing credentials",
            "Go to Client Portal",
        ],
    ),
    (
        En,
        Access(PasswordReset),
        "Choose a new password for the Harbor Practice client portal",
        &[
            "Choose a New Password",
            "used once",
            "expires on November 29, 2026",
            "Did you not ask for this? Ignore this mail. Your password stays as it is.",
        ],
    ),
    (
        En,
        Access(PasswordChanged),
        "Your password for the Harbor Practice client portal was changed",
        &[
            "Client Portal of Harbor Practice has been changed",
            "signed out everywhere else",
            "Was it not you? Contact Harbor Practice",
        ],
    ),
    (
        Es,
        Access(Invitation),
        "Su invitación al portal de clientes de Harbor Practice",
        &[
            "Inscribirse en el Portal de clientes",
            "apellido y la fecha de nacimiento del cliente",
            "una sola vez",
            "caduca el November 29, 2026",
            "¿No esperaba este mensaje?",
            "No use el enlace",
        ],
    ),
    (
        Es,
        Access(AccessGranted),
        "Su acceso al portal de clientes de Harbor Practice",
        &[
            "Se le ha concedido acceso al Portal de clientes de Harbor Practice",
            "Inicie sesión con sus credenciales actuales",
            "Ir al Portal de clientes",
        ],
    ),
    (
        Es,
        Access(PasswordReset),
        "Elija una contraseña nueva para el portal de clientes de Harbor Practice",
        &[
            "Elegir una contraseña nueva",
            "una sola vez",
            "caduca el November 29, 2026",
            "¿No lo ha pedido usted? Ignore este mensaje. Su contraseña sigue siendo la misma.",
        ],
    ),
    (
        Es,
        Access(PasswordChanged),
        "Se ha cambiado su contraseña del portal de clientes de Harbor Practice",
        &[
            "Se ha cambiado la contraseña de su cuenta",
            "se han cerrado sus demás sesiones",
            "¿No ha sido usted? Póngase en contacto cuanto antes con Harbor Practice",
        ],
    ),
    (
        Fr,
        Access(Invitation),
        "Votre invitation au portail client Harbor Practice",
        &[
            "S’inscrire au Portail client",
            "le nom de famille et la date de naissance du client",
            "qu’une fois",
            "expire le November 29, 2026",
            "Vous n’attendiez pas ce message\u{a0}?",
            "N’utilisez pas le lien",
        ],
    ),
    (
        Fr,
        Access(AccessGranted),
        "Votre accès au portail client Harbor Practice",
        &[
            "Vous avez maintenant accès au Portail client proposé par Harbor Practice",
            "Connectez-vous avec vos identifiants actuels",
            "Aller au Portail client",
        ],
    ),
    (
        Fr,
        Access(PasswordReset),
        "Choisissez un nouveau mot de passe pour le portail client Harbor Practice",
        &[
            "Choisir un nouveau mot de passe",
            "qu’une fois",
            "expire le November 29, 2026",
            "Vous n’avez rien demandé\u{a0}? Ignorez ce message. Votre mot de passe reste le même.",
        ],
    ),
    (
        Fr,
        Access(PasswordChanged),
        "Votre mot de passe du portail client Harbor Practice a été modifié",
        &[
            "proposé par Harbor Practice a été modifié",
            "toutes vos autres sessions ont été fermées",
            "Ce n’était pas vous\u{a0}? Contactez Harbor Practice sans attendre",
        ],
    ),
    (
        En,
        Access(EmailChanged),
        "Your e-mail address for the Harbor Practice client portal was changed",
        &["come to this address from now on", "Not expecting this? Contact Harbor Practice"],
    ),
    (
        En,
        Access(EmailReplaced),
        "Your e-mail address for the Harbor Practice client portal was changed",
        &[
            "no longer come to this address",
            "Did you not ask for this? Contact Harbor Practice right away",
            "have your access stopped",
        ],
    ),
    (
        En,
        Access(UsernameChanged),
        "Your sign-in name for the Harbor Practice client portal was changed",
        &[
            "Your sign-in name: chidi.okafor",
            "signed out",
            "Did you not ask for this? Contact Harbor Practice right away",
        ],
    ),
    (
        Es,
        Access(EmailChanged),
        "Se ha cambiado su dirección de correo del portal de clientes de Harbor Practice",
        &["llegarán desde ahora a esta dirección", "¿No esperaba este mensaje?"],
    ),
    (
        Es,
        Access(EmailReplaced),
        "Se ha cambiado su dirección de correo del portal de clientes de Harbor Practice",
        &[
            "ya no llegarán a esta dirección",
            "¿No lo ha pedido usted? Póngase en contacto cuanto antes con Harbor Practice",
        ],
    ),
    (
        Es,
        Access(UsernameChanged),
        "Se ha cambiado su nombre de usuario del portal de clientes de Harbor Practice",
        &["Su nombre de usuario: chidi.okafor", "¿No lo ha pedido usted?"],
    ),
    (
        Fr,
        Access(EmailChanged),
        "Votre adresse e-mail du portail client Harbor Practice a été modifiée",
        &["arrivent désormais à cette adresse", "Vous n’attendiez pas ce message\u{a0}?"],
    ),
    (
        Fr,
        Access(EmailReplaced),
        "Votre adresse e-mail du portail client Harbor Practice a été modifiée",
        &["n’arrivent plus à cette adresse", "Contactez Harbor Practice sans attendre"],
    ),
    (
        Fr,
        Access(UsernameChanged),
        "Votre nom d’utilisateur du portail client Harbor Practice a été modifié",
        &["Votre nom d’utilisateur\u{a0}: chidi.okafor", "Contactez Harbor Practice sans attendre"],
    ),
    (
        En,
        Access(EmailConfirmation),
        "Confirm your e-mail address for the Harbor Practice client portal",
        &[
            "Until then, nothing changes",
            "used once",
            "expires on November 29, 2026",
            "Was it not you? Ignore this mail",
        ],
    ),
    (
        Es,
        Access(EmailConfirmation),
        "Confirme su dirección de correo para el portal de clientes de Harbor Practice",
        &[
            "Hasta entonces no cambia nada",
            "una sola vez",
            "¿No ha sido usted? Ignore este mensaje",
        ],
    ),
    (
        Fr,
        Access(EmailConfirmation),
        "Confirmez votre adresse e-mail pour le portail client Harbor Practice",
        &[
            "D’ici là, rien ne change",
            "qu’une fois",
            "Ce n’était pas vous\u{a0}? Ignorez ce message",
        ],
    ),
    (
        En,
        Alert,
        "Something new is waiting at the Harbor Practice client portal",
        &[
            "Something new is waiting at the Client Portal of Harbor Practice",
            "Go to Client Portal",
        ],
    ),
    (
        En,
        Inbox,
        "Harbor Practice client portal: nobody was told of something new",
        &["in the chart with record number HC-2024-0017", "Open the client page"],
    ),
    (
        Es,
        Alert,
        "Hay algo nuevo en el portal de clientes de Harbor Practice",
        &["Hay algo nuevo en el Portal de clientes de Harbor Practice", "Ir al Portal de clientes"],
    ),
    (
        Es,
        Inbox,
        "Portal de clientes de Harbor Practice: nadie ha recibido un aviso",
        &["en la ficha con número de expediente HC-2024-0017", "Abrir la página del cliente"],
    ),
    (
        Fr,
        Alert,
        "Du nouveau sur le portail client Harbor Practice",
        &["Du nouveau est arrivé sur le Portail client", "Aller au Portail client"],
    ),
    (
        Fr,
        Inbox,
        "Portail client Harbor Practice\u{a0}: personne n’a été averti",
        &["dans le dossier numéro HC-2024-0017", "Ouvrir la page du client"],
    ),
];

#[test]
fn each_mail_but_those_to_other_addresses_names_the_sign_in_name() {
    for (letter, mail) in every() {
        let other = matches!(letter.kind, Access(EmailReplaced | EmailConfirmation));
        let told = !other && !matches!(letter.kind, Alert | Inbox);
        assert_eq!(flat(&mail.text).contains("chidi.okafor"), told, "{:?}", letter.kind);
        assert_eq!(seen(&mail.html).contains("chidi.okafor"), told, "{:?}", letter.kind);
        assert!(!mail.subject.contains("okafor"));
        let unnamed = render(&Letter { username: None, ..letter });
        assert!(!unnamed.text.contains("chidi.okafor"));
    }
}

#[test]
fn only_what_the_practice_gets_names_the_chart() {
    for (letter, mail) in every() {
        let told = letter.kind == Inbox;
        assert_eq!(flat(&mail.text).contains("HC-2024-0017"), told, "{:?}", letter.kind);
        assert_eq!(seen(&mail.html).contains("HC-2024-0017"), told, "{:?}", letter.kind);
        assert!(!mail.subject.contains("HC-2024-0017"));
    }
}

#[test]
fn a_record_number_leads_nowhere() {
    for (number, shown) in [
        ("evil.example/login", "record number evil. example/login."),
        ("10.0.0.1", "record number 10. 0. 0. 1."),
        ("HC/2024-0017", "record number HC/2024-0017."),
    ] {
        let inbox = Letter { record_number: Some(number), ..letter(Inbox, En) };
        assert!(flat(&render(&inbox).text).contains(shown), "{number}");
        assert!(seen(&render(&inbox).html).contains(shown), "{number}");
    }
}

#[test]
fn a_name_of_which_a_mail_program_makes_a_link_is_left_out_of_the_greeting() {
    for (letter, _) in every() {
        for name in
            ["Refund at http://pay.example", "pay.example", "Ann @pay", "evil\u{200b}.example"]
        {
            let mail = render(&Letter { person_name: name, ..letter });
            let nameless = render(&Letter { person_name: "", ..letter });
            assert_eq!((&mail.text, &mail.html), (&nameless.text, &nameless.html), "{name}");
        }
    }
}

#[test]
fn each_kind_says_what_it_must_in_each_language() {
    for (language, kind, subject, phrases) in MUST {
        let mail = render(&letter(kind, language));
        assert_eq!(mail.subject, subject);
        for phrase in phrases {
            assert!(flat(&mail.text).contains(phrase), "{kind:?} {language:?} text lacks {phrase}");
            assert!(seen(&mail.html).contains(phrase), "{kind:?} {language:?} html lacks {phrase}");
        }
    }
}

#[test]
fn both_parts_greet_link_and_lead_with_the_same_button() {
    for (letter, mail) in every() {
        let which = format!("{:?} {:?}", letter.kind, letter.language);
        let attribute = format!("href=\"{}\"", LINK.replace('&', "&amp;"));
        assert_eq!(mail.html.matches(&attribute).count(), 2, "{which}");
        assert_eq!(mail.html.matches("href=").count(), 2, "{which}");
        assert!(seen(&mail.html).contains(LINK), "{which}");
        assert_eq!(mail.text.lines().filter(|line| *line == LINK).count(), 1, "{which}");
        // An address that is not confirmed may be a stranger's.
        let greeted = letter.kind != Access(EmailConfirmation);
        assert_eq!(flat(&mail.text).contains("Chidi Okafor"), greeted, "{which}");
        assert_eq!(seen(&mail.html).contains("Chidi Okafor"), greeted, "{which}");
        let button = Content::of(&letter).button;
        assert!(mail.text.contains(button) && seen(&mail.html).contains(button), "{which}");
    }
}

#[test]
fn only_single_use_links_speak_of_expiry() {
    for (letter, mail) in every() {
        let single_use =
            matches!(letter.kind, Access(Invitation | PasswordReset | EmailConfirmation));
        assert_eq!(flat(&mail.text).contains(EXPIRES), single_use);
        assert_eq!(seen(&mail.html).contains(EXPIRES), single_use);
        for expires in [None, Some(""), Some(" \n ")] {
            let mail = render(&Letter { expires, ..letter });
            for gone in ["expires", "caduca", "expire le"] {
                assert!(!mail.text.contains(gone), "{:?} {:?}", letter.kind, letter.language);
                assert!(!mail.html.contains(gone), "{:?} {:?}", letter.kind, letter.language);
            }
        }
    }
}

#[test]
fn no_slot_is_left_open() {
    let slots = [
        "practice",
        "record",
        "name",
        "expires",
        "button",
        "lang",
        "title",
        "preheader",
        "brand",
        "heading",
        "opening",
        "href",
        "terms",
        "by_hand",
        "address",
        "doubt",
        "advice",
        "promise",
    ];
    for (_, mail) in every() {
        assert!(!mail.subject.contains('{') && !mail.text.contains('{'));
        for slot in slots {
            assert!(!mail.html.contains(&format!("{{{slot}}}")), "{slot}");
        }
        assert!(!seen(&mail.html).contains(['{', '}']));
    }
}

#[test]
fn what_is_inserted_is_never_read_as_a_slot() {
    let odd = Letter {
        practice_name: "{name} {expires} {href}",
        person_name: "{practice}{opening}",
        expires: Some("{practice}"),
        ..letter(Access(Invitation), En)
    };
    let mail = render(&odd);
    assert_eq!(mail.subject, "Your invitation to the {name} {expires} {href} client portal");
    assert!(mail.text.contains("Hello {practice}{opening},"));
    assert!(flat(&mail.text).contains("expires on {practice}."));
    assert!(mail.html.contains("Hello {practice}{opening},"));
    assert_eq!(mail.html.matches("href=").count(), 2);
}

#[test]
fn odd_names_stand_as_text_and_add_no_markup() {
    let odd = [
        "<script>alert(1)</script>",
        "Robert'); DROP TABLE clients;--",
        "\"><img src=x onerror=alert(1)>",
        "</title></style></head><b>Ana</b>",
        "<!-- Ana --> & ]]> <![endif]-->",
        "O’Brien-García &amp; \"Zoë\"",
        "陳大文",
    ];
    for (letter, mail) in every() {
        for name in odd {
            let named = render(&Letter {
                person_name: name,
                practice_name: name,
                expires: Some(name),
                ..letter
            });
            assert_eq!(named.html.matches('<').count(), mail.html.matches('<').count(), "{name}");
            assert_eq!(named.html.matches('"').count(), mail.html.matches('"').count(), "{name}");
            assert!(seen(&named.html).contains(name), "{name}");
            assert!(flat(&named.text).contains(name), "{name}");
            assert!(named.subject.contains(name), "{name}");
        }
    }
}

#[test]
fn nothing_breaks_out_of_the_subject_or_its_line() {
    let sly = "Harbor\r\nBcc: eve@evil.example\n\n<b>\u{0}\u{7f}\u{85}\u{2028}\u{2029}\t\u{b}x";
    for (letter, mail) in every() {
        let named =
            render(&Letter { practice_name: sly, person_name: sly, expires: Some(sly), ..letter });
        assert!(named.subject.contains("Harbor Bcc: eve@evil.example <b> x"));
        for part in [&named.subject, &named.text, &named.html] {
            assert!(
                !part.chars().any(
                    |c| (c.is_control() && c != '\n') || ('\u{2028}'..='\u{2029}').contains(&c)
                )
            );
        }
        assert!(!named.subject.contains('\n'));
        let blocks = |text: &str| text.split("\n\n").count();
        assert_eq!(blocks(&named.text), blocks(&mail.text));
        assert_eq!(named.html.lines().count(), mail.html.lines().count());
    }
}

#[test]
fn a_name_cannot_reorder_or_hide_text() {
    assert_eq!(one_line("\u{202e}Ana\u{2066} \u{200b}\u{feff}Ruiz\u{e0041}"), "Ana Ruiz");
    assert_eq!(one_line("  Ana \u{a0} \n Ruiz "), "Ana Ruiz");
    assert_eq!(one_line("می\u{200c}خواهم"), "می\u{200c}خواهم");
    assert_eq!(one_line("\u{200b} \u{202e}"), "");
}

#[test]
fn a_person_without_a_name_is_greeted_all_the_same() {
    for (language, greeting) in [(En, "Hello,"), (Es, "Hola:"), (Fr, "Bonjour,")] {
        for person_name in ["", "  ", "\r\n", "\u{200b}"] {
            let mail = render(&Letter { person_name, ..letter(Access(AccessGranted), language) });
            assert!(mail.text.contains(&format!("\n\n{greeting}\n\n")));
            assert!(mail.html.contains(&format!(">{greeting}</p>")));
        }
    }
}

#[test]
fn a_practice_without_a_name_still_writes_whole_sentences() {
    let said = |kind, language| {
        let mail = render(&Letter { practice_name: " \n", ..letter(kind, language) });
        (mail.subject, flat(&mail.text))
    };
    let (subject, text) = said(Access(Invitation), En);
    assert_eq!(subject, "Your invitation to the practice client portal");
    assert!(text.starts_with("Client Portal Hello Chidi Okafor,"));
    assert!(text.contains("ask your practice for a new invitation"));
    let (subject, text) = said(Access(PasswordChanged), Es);
    assert_eq!(subject, "Se ha cambiado su contraseña del portal de clientes de su centro");
    assert!(text.contains("con su centro"));
    let (subject, text) = said(Access(AccessGranted), Fr);
    assert_eq!(subject, "Votre accès au portail client du cabinet");
    assert!(text.contains("Contactez votre cabinet"));
}

#[test]
fn long_names_stay_whole_in_the_mail_and_short_in_the_subject() {
    let long = "Wolfeschlegelsteinhausenbergerdorff ".repeat(8);
    let unbroken = "x".repeat(300);
    for (letter, _) in every() {
        let mail = render(&Letter { practice_name: &long, person_name: &unbroken, ..letter });
        assert!(mail.subject.chars().count() < 170, "{}", mail.subject);
        assert!(mail.subject.contains('…'));
        let named = letter.kind != Access(EmailConfirmation);
        assert_eq!(mail.text.contains(&unbroken) && mail.html.contains(&unbroken), named);
        assert!(flat(&mail.text).contains(long.trim()));
        assert!(mail.text.lines().any(|line| line == LINK));
    }
}

#[test]
fn text_lines_are_short_but_for_what_cannot_be_broken() {
    for (_, mail) in every() {
        assert!(mail.text.ends_with('\n') && !mail.text.contains("\n\n\n"));
        assert!(!mail.text.contains("  ") && !mail.subject.contains("  "));
        for line in mail.text.lines().filter(|line| *line != LINK) {
            assert!(line.chars().count() <= LINE, "{line}");
            assert_eq!(line.trim_end_matches(' '), line);
        }
    }
    assert_eq!(wrapped(&format!("see {LINK} now")), format!("see\n{LINK}\nnow"));
    assert_eq!(wrapped(""), "");
    // A no-break space is no place to break at.
    let tight = format!("{} b\u{a0}?", "a".repeat(LINE - 2));
    assert_eq!(wrapped(&tight), format!("{}\nb\u{a0}?", "a".repeat(LINE - 2)));
}

#[test]
fn html_fetches_nothing_and_runs_nothing() {
    for (_, mail) in every() {
        let html = mail.html.to_ascii_lowercase();
        for remote in [
            "src=",
            "srcset",
            "url(",
            "@import",
            "<link",
            "<img",
            "<script",
            "<iframe",
            "<form",
            "<svg",
            "background=",
            "<base",
            "http-equiv",
            "javascript:",
            "data:",
            "@font-face",
        ] {
            assert!(!html.contains(remote), "{remote}");
        }
        assert!(!html.split_whitespace().any(|word| word.starts_with("on") && word.contains('=')));
        assert_eq!(html.matches("://").count(), 3, "the link twice as an attribute, once to read");
    }
}

#[test]
fn html_keeps_to_what_mail_clients_need() {
    for (letter, mail) in every() {
        let html = &mail.html;
        let tag = letter.language.tag();
        assert!(html.starts_with(&format!("<!doctype html>\n<html lang=\"{tag}\"")));
        assert!(html.contains(&format!("<title>{}</title>", escaped(&mail.subject))));
        assert!(html.contains("<meta name=\"color-scheme\" content=\"light dark\">"));
        assert!(html.contains("@media (prefers-color-scheme: dark)"));
        assert!(html.contains("max-width: 560px"));
        assert_eq!(
            html.matches("<table").count(),
            html.matches("<table role=\"presentation\"").count()
        );
        for pair in ["table", "tr", "td", "p", "h1", "h2", "a", "div", "body", "html"] {
            let open = html.matches(&format!("<{pair}>")).count()
                + html.matches(&format!("<{pair} ")).count();
            assert_eq!(open, html.matches(&format!("</{pair}>")).count(), "{pair}");
        }
        assert_eq!(html.matches("<h1").count(), 1);
        // Gmail clips a mail of more than 102 kB.
        assert!(html.len() < 20_000, "{}", html.len());
    }
}

#[test]
fn mails_are_neutral() {
    let telling = [
        "health",
        "patient",
        "therap",
        "treatment",
        "diagnos",
        "appointment",
        "doctor",
        "medic",
        "clinic",
        "salud",
        "paciente",
        "terapia",
        "tratamiento",
        "cita",
        "médic",
        "clínic",
        "consult",
        "santé",
        "soin",
        "thérap",
        "traitement",
        "rendez-vous",
        "médec",
        "cliniq",
        "username:",
    ];
    for (_, mail) in every() {
        // Spanish "solicitar" and the like would hide "cita"; whole words only.
        let all = format!("{} {} {}", mail.subject, mail.text, seen(&mail.html)).to_lowercase();
        for word in all.split(|c: char| !c.is_alphabetic() && c != '-') {
            assert!(!telling.iter().any(|telling| word.starts_with(telling)), "{word}");
        }
        assert!(!mail.subject.contains("Chidi") && !mail.subject.contains("Okafor"));
    }
}

#[test]
fn links_are_web_addresses_and_nothing_else() {
    for good in [
        LINK,
        "http://portal.localhost:8600/enroll#abc",
        "HTTPS://portal.example",
        "https://portal.example?x=%22&y=1",
        "https://[::1]:8600/",
    ] {
        assert_eq!(Link::new(good).map(Link::as_str), Ok(good));
    }
    let long = format!("https://portal.example/{}", "x".repeat(Link::MAX_BYTES));
    for bad in [
        "",
        "portal.example",
        "//portal.example/",
        "/enroll#x",
        "javascript:alert(1)",
        "javascript://portal.example/%0aalert(1)",
        "data:text/html,x",
        "ftp://portal.example/",
        "mailto:a@b.example",
        " https://portal.example",
        "https://",
        "https:///enroll",
        "https://:443/",
        "https://?x",
        "https://portal.example@evil.example/",
        "https://portal.example/\r\nBcc: x",
        "https://portal.example/a b",
        "https://portal.example/\"onmouseover=\"x",
        "https://portal.example/<b>",
        "https://portal.example/'",
        "https://portal.example\\@evil.example",
        "https://pörtal.example/",
        "https://portal.example/\u{202e}x",
        "https://portal.example/{href}",
        &long,
    ] {
        assert_eq!(Link::new(bad), Err(BadLink), "{bad}");
    }
}

#[test]
fn debug_shows_no_token() {
    let mail = render(&letter(Access(Invitation), En));
    assert_eq!(
        format!("{mail:?} {:?}", letter(Access(Invitation), En).link),
        "Rendered(…) Link(…)"
    );
    assert!(!BadLink.to_string().contains("http:"));
}

#[test]
fn languages_are_found_by_tag() {
    for (tag, language) in
        [("en", En), ("ES", Es), ("es-MX", Es), ("fr_CA", Fr), ("de", En), ("", En), ("french", En)]
    {
        assert_eq!(Language::from_tag(tag), language, "{tag}");
    }
    for language in Language::ALL {
        assert_eq!(Language::from_tag(language.tag()), language);
    }
}

#[test]
fn moments_are_written_as_each_language_writes_them() {
    let at = |year, month, day, hour, minute| Local {
        year,
        month,
        day,
        hour,
        minute,
        zone: "UTC".into(),
    };
    let (late, first) = (at(2026, 11, 29, 14, 3), at(2027, 8, 1, 0, 0));
    let said = |language: Language| [language.moment(&late), language.moment(&first)];
    assert_eq!(
        said(Language::En),
        ["November 29, 2026 at 14:03 UTC", "August 1, 2027 at 00:00 UTC"]
    );
    assert_eq!(
        said(Language::Es),
        ["29 de noviembre de 2026 a las 14:03 UTC", "1 de agosto de 2027 a las 00:00 UTC"]
    );
    assert_eq!(said(Language::Fr), ["29 novembre 2026 à 14:03 UTC", "1er août 2027 à 00:00 UTC"]);
}

/// The invitation in every language, as the console shows it beside the settings that it follows: what these fill
/// in stands in braces.
fn previews() -> String {
    let preview = |language: Language| {
        let letter = Letter {
            practice_name: "{practice}",
            person_name: "{name}",
            username: None,
            expires: Some("{expires}"),
            ..letter(Access(Invitation), language)
        };
        let content = Content::of(&letter);
        let words = language.words();
        let preview = serde_json::json!({
            "subject": content.subject, "brand": content.brand, "heading": content.heading,
            "opening": content.opening, "button": content.button, "terms": content.terms,
            "doubt": content.doubt, "advice": content.advice, "promise": content.promise,
            "moment": words.moment, "months": words.months, "first": words.first,
        });
        (words.tag, preview)
    };
    let all: std::collections::BTreeMap<_, _> = Language::ALL.into_iter().map(preview).collect();
    serde_json::to_string_pretty(&all).expect("JSON") + "\n"
}

#[test]
fn the_committed_preview_of_the_invitation_is_the_invitation() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("invitation.json");
    if std::env::var_os("UPDATE_KEYS").is_some() {
        std::fs::write(&path, previews()).expect("written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == previews(), "shared/invitation.json is stale: make keys");
}
