//! Every word of the mails, in every language, as data.
//!
//! A language is one value of [`Words`] and a mail one value of [`Mail`]: a
//! missing text does not compile, and a new language is a new constant. The
//! slots are `{practice}` (everywhere), `{name}` (greeting), `{record}` (inbox),
//! `{expires}` (terms) and `{button}` (action). Texts are plain text; the renderer escapes them.
//!
//! Clients are addressed formally (usted, vous), and no wording depends on the
//! person's gender. Wording stays clear of care, illness, treatment and
//! appointments: whoever looks over a shoulder learns of a portal, no more.

/// What one language says.
pub(super) struct Words {
    /// BCP 47 tag, for the `lang` attribute.
    pub(super) tag: &'static str,
    /// A moment: slots `{year}`, `{month}`, `{day}`, `{time}` and `{zone}`.
    pub(super) moment: &'static str,
    pub(super) months: [&'static str; 12],
    /// The first day of a month, where it is not written as the number alone.
    pub(super) first: &'static str,
    /// Stands for the practice in a subject when it has given no name.
    pub(super) unnamed_in_subject: &'static str,
    /// Stands for the practice in running text when it has given no name.
    pub(super) unnamed_in_text: &'static str,
    /// Stands above the card when the practice has given no name.
    pub(super) portal: &'static str,
    pub(super) greeting: &'static str,
    /// The greeting of a person without a name.
    pub(super) plain_greeting: &'static str,
    /// Names the sign-in name: slot `{username}`.
    pub(super) sign_in: &'static str,
    /// Introduces the link in the plain-text part.
    pub(super) action: &'static str,
    /// Introduces the written-out link in the HTML part.
    pub(super) by_hand: &'static str,
    /// What the practice never does, at the foot of every mail.
    pub(super) promise: &'static str,
    pub(super) invitation: Mail,
    pub(super) access_granted: Mail,
    pub(super) password_reset: Mail,
    pub(super) password_changed: Mail,
    pub(super) factor_added: Mail,
    pub(super) factor_removed: Mail,
    pub(super) recovery_code_made: Mail,
    pub(super) recovery_code_used: Mail,
    pub(super) factor_reset: Mail,
    pub(super) email_changed: Mail,
    pub(super) email_replaced: Mail,
    /// To an address that nobody has confirmed, and that may be a stranger's.
    pub(super) email_confirmation: Mail,
    pub(super) username_changed: Mail,
    /// Something new waits for a client: to the alert recipient.
    pub(super) alert: Mail,
    /// The same to the practice's inbox: slot `{record}`.
    pub(super) inbox: Mail,
}

/// What one mail says, in the order in which it is read.
pub(super) struct Mail {
    pub(super) subject: &'static str,
    /// What an inbox shows beside the subject.
    pub(super) preheader: &'static str,
    pub(super) heading: &'static str,
    pub(super) body: &'static [&'static str],
    pub(super) button: &'static str,
    pub(super) terms: Terms,
    /// Asks whether the mail was expected.
    pub(super) doubt: &'static str,
    /// What to do when it was not.
    pub(super) advice: &'static str,
}

/// What holds for the link.
pub(super) enum Terms {
    /// A plain address, valid for good.
    Lasting,
    /// Spent by its first use.
    SingleUse {
        dated: &'static str,
        undated: &'static str,
        /// What to do when it no longer works.
        renewal: &'static str,
    },
}

pub(super) const ENGLISH: Words = Words {
    tag: "en",
    moment: "{month} {day}, {year} at {time} {zone}",
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    first: "1",
    unnamed_in_subject: "practice",
    unnamed_in_text: "your practice",
    portal: "Client Portal",
    greeting: "Hello {name},",
    plain_greeting: "Hello,",
    sign_in: "Your sign-in name: {username}",
    action: "{button}:",
    by_hand: "If the button does not work, copy this address into your browser:",
    promise: "Nobody at {practice} will ever ask you for your password, by e-mail or otherwise.",
    invitation: Mail {
        subject: "Your invitation to the {practice} client portal",
        preheader: "Enroll with your personal link.",
        heading: "Your invitation to the Client Portal",
        body: &[
            "You have been invited by {practice} to its Client Portal.",
            "To enroll, you will be asked for the last name and date of birth of the client: \
             yourself, or the person whose portal you will use. Then you choose a password. If you \
             already have an account with this portal, use its password.",
        ],
        button: "Enroll in Client Portal",
        terms: Terms::SingleUse {
            dated: "This link is for you alone. It can be used once and expires on {expires}.",
            undated: "This link is for you alone. It can be used once.",
            renewal: "If it no longer works, ask {practice} for a new invitation.",
        },
        doubt: "Not expecting this?",
        advice: "Do not use the link and do not pass this mail on. Contact {practice} the way you \
                 usually do; as long as nobody enrolls, nothing happens.",
    },
    access_granted: Mail {
        subject: "Your access to the {practice} client portal",
        preheader: "You can sign in with your existing credentials.",
        heading: "Your access has been granted",
        body: &[
            "You have been granted access to the Client Portal of {practice}.",
            "Sign in with your existing credentials: the username and password you already have. \
             If you have forgotten the password, you can choose a new one on the sign-in page.",
        ],
        button: "Go to Client Portal",
        terms: Terms::Lasting,
        doubt: "Not expecting this?",
        advice: "Contact {practice} the way you usually do.",
    },
    password_reset: Mail {
        subject: "Choose a new password for the {practice} client portal",
        preheader: "The link you asked for.",
        heading: "Choose a new password",
        body: &[
            "A new password was requested for your account with the Client Portal of {practice}.",
        ],
        button: "Choose a New Password",
        terms: Terms::SingleUse {
            dated: "This link is for you alone. It can be used once and expires on {expires}.",
            undated: "This link is for you alone. It can be used once.",
            renewal: "If it no longer works, ask for a new one on the sign-in page.",
        },
        doubt: "Did you not ask for this?",
        advice: "Ignore this mail. Your password stays as it is.",
    },
    password_changed: Mail {
        subject: "Your password for the {practice} client portal was changed",
        preheader: "If it was not you, please contact us.",
        heading: "Your password was changed",
        body: &[
            "The password of your account with the Client Portal of {practice} has been changed.",
            "For your safety you have been signed out everywhere else. From now on, sign in with \
             the new password.",
        ],
        button: "Go to Client Portal",
        terms: Terms::Lasting,
        doubt: "Was it not you?",
        advice: "Contact {practice} right away, the way you usually do, and ask to have your access \
                 stopped.",
    },
    factor_added: Mail {
        subject: "A new way to sign in to the {practice} client portal was added",
        preheader: "If it was not you, please contact us.",
        heading: "A new way to sign in was added",
        body: &[
            "A passkey or an authenticator app was added to your account with the Client Portal of {practice}.",
            "You find all of them on the page of your account, where you can remove them, too.",
        ],
        button: "Go to Client Portal",
        terms: Terms::Lasting,
        doubt: "Was it not you?",
        advice: "Contact {practice} right away, the way you usually do, and ask to have your access stopped.",
    },
    factor_removed: Mail {
        subject: "A way to sign in to the {practice} client portal was removed",
        preheader: "If it was not you, please contact us.",
        heading: "A way to sign in was removed",
        body: &[
            "A passkey or the authenticator app was removed from your account with the Client Portal of {practice}.",
            "What is left is on the page of your account.",
        ],
        button: "Go to Client Portal",
        terms: Terms::Lasting,
        doubt: "Was it not you?",
        advice: "Contact {practice} right away, the way you usually do, and ask to have your access stopped.",
    },
    recovery_code_made: Mail {
        subject: "A new recovery code for the {practice} client portal was made",
        preheader: "If it was not you, please contact us.",
        heading: "A new recovery code was made",
        body: &[
            "A new recovery code was made for your account with the Client Portal of {practice}. One that you had before no longer works.",
        ],
        button: "Go to Client Portal",
        terms: Terms::Lasting,
        doubt: "Was it not you?",
        advice: "Contact {practice} right away, the way you usually do, and ask to have your access stopped.",
    },
    recovery_code_used: Mail {
        subject: "Your recovery code for the {practice} client portal was used",
        preheader: "If it was not you, please contact us.",
        heading: "Your recovery code was used",
        body: &[
            "Somebody signed in to your account with the Client Portal of {practice} with your password and your recovery code.",
            "That code does not work again. A new one was shown after signing in.",
        ],
        button: "Go to Client Portal",
        terms: Terms::Lasting,
        doubt: "Was it not you?",
        advice: "Contact {practice} right away, the way you usually do, and ask to have your access stopped.",
    },
    factor_reset: Mail {
        subject: "A code to sign in to the {practice} client portal was printed",
        preheader: "If you did not ask for it, please contact us.",
        heading: "A code to sign in was printed for you",
        body: &[
            "{practice} printed a code with which you can sign in once to its Client Portal, together with your password.",
            "Afterwards, remove what you lost on the page of your account, and add what you use now.",
        ],
        button: "Go to Client Portal",
        terms: Terms::Lasting,
        doubt: "Was it not you?",
        advice: "Contact {practice} right away, the way you usually do, and ask to have your access stopped.",
    },
    email_changed: Mail {
        subject: "Your e-mail address for the {practice} client portal was changed",
        preheader: "Mails come to this address from now on.",
        heading: "Your e-mail address was changed",
        body: &[
            "Mails about your account with the Client Portal of {practice} come to this address from now on, and no longer to the one before.",
        ],
        button: "Go to Client Portal",
        terms: Terms::Lasting,
        doubt: "Not expecting this?",
        advice: "Contact {practice} the way you usually do.",
    },
    email_replaced: Mail {
        subject: "Your e-mail address for the {practice} client portal was changed",
        preheader: "If you did not ask for this, please contact us.",
        heading: "Your e-mail address was changed",
        body: &[
            "Mails about your account with the Client Portal of {practice} no longer come to this address. From now on they go to another one.",
        ],
        button: "Go to Client Portal",
        terms: Terms::Lasting,
        doubt: "Did you not ask for this?",
        advice: "Contact {practice} right away, the way you usually do, and ask to have your access stopped.",
    },
    email_confirmation: Mail {
        subject: "Confirm your e-mail address for the {practice} client portal",
        preheader: "One click, and this address is yours in the portal.",
        heading: "Confirm your e-mail address",
        body: &[
            "Somebody has given this address as their new e-mail address in the {practice} Client Portal.",
            "If that was you, confirm it with the button below. Until then, nothing changes.",
        ],
        button: "Confirm This Address",
        terms: Terms::SingleUse {
            dated: "This link is for you alone. It can be used once and expires on {expires}.",
            undated: "This link is for you alone. It can be used once.",
            renewal: "If it no longer works, enter the address again in the portal.",
        },
        doubt: "Was it not you?",
        advice: "Ignore this mail. Without the link, nobody can use this address.",
    },
    username_changed: Mail {
        subject: "Your sign-in name for the {practice} client portal was changed",
        preheader: "Sign in with the new name from now on.",
        heading: "Your sign-in name was changed",
        body: &[
            "The name with which you sign in to the Client Portal of {practice} has been changed.",
            "If you were signed in, you have been signed out. A password that you have chosen stays as it is.",
        ],
        button: "Go to Client Portal",
        terms: Terms::Lasting,
        doubt: "Did you not ask for this?",
        advice: "Contact {practice} right away, the way you usually do, and ask to have your access stopped.",
    },
    alert: Mail {
        subject: "Something new is waiting at the {practice} client portal",
        preheader: "Sign in to see it.",
        heading: "Something new is waiting",
        body: &["Something new is waiting at the Client Portal of {practice}. Sign in to see it."],
        button: "Go to Client Portal",
        terms: Terms::Lasting,
        doubt: "Not expecting this?",
        advice: "Contact {practice} the way you usually do.",
    },
    inbox: Mail {
        subject: "{practice} client portal: nobody was told of something new",
        preheader: "It came to this inbox instead.",
        heading: "Nobody was told of something new",
        body: &[
            "Something new is waiting at the Client Portal of {practice}, in the chart with record number {record}.",
            "Nobody could be told of it: there is no alert recipient, or that person may not be told of this, or has got as many mails as an address may.",
        ],
        button: "Open the client page",
        terms: Terms::Lasting,
        doubt: "Why does this come here?",
        advice: "Alerts that cannot go to anybody come to the inbox of the practice. On the client page you see who has access, and choose who gets the alerts.",
    },
};

pub(super) const SPANISH: Words = Words {
    tag: "es",
    moment: "{day} de {month} de {year} a las {time} {zone}",
    months: [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    first: "1",
    unnamed_in_subject: "su centro",
    unnamed_in_text: "su centro",
    portal: "Portal de clientes",
    greeting: "Hola, {name}:",
    plain_greeting: "Hola:",
    sign_in: "Su nombre de usuario: {username}",
    action: "{button}:",
    by_hand: "Si el botón no funciona, copie esta dirección en su navegador:",
    promise: "Nadie de {practice} le pedirá nunca su contraseña, ni por correo electrónico ni de \
              ninguna otra forma.",
    invitation: Mail {
        subject: "Su invitación al portal de clientes de {practice}",
        preheader: "Inscríbase con su enlace personal.",
        heading: "Su invitación al Portal de clientes",
        body: &[
            "Ha recibido una invitación de {practice} para usar su Portal de clientes.",
            "Para inscribirse se le pedirán el apellido y la fecha de nacimiento del cliente: los \
             suyos o los de la persona cuyo portal va a usar. Después elegirá una contraseña. Si \
             ya tiene una cuenta en este portal, use la contraseña de esa cuenta.",
        ],
        button: "Inscribirse en el Portal de clientes",
        terms: Terms::SingleUse {
            dated: "Este enlace es solo para usted. Se puede usar una sola vez y caduca el \
                    {expires}.",
            undated: "Este enlace es solo para usted. Se puede usar una sola vez.",
            renewal: "Si ya no funciona, pida a {practice} una invitación nueva.",
        },
        doubt: "¿No esperaba este mensaje?",
        advice: "No use el enlace ni reenvíe este mensaje. Póngase en contacto con {practice} por \
                 la vía habitual; mientras nadie se inscriba, no ocurrirá nada.",
    },
    access_granted: Mail {
        subject: "Su acceso al portal de clientes de {practice}",
        preheader: "Puede iniciar sesión con sus credenciales actuales.",
        heading: "Se le ha concedido acceso",
        body: &[
            "Se le ha concedido acceso al Portal de clientes de {practice}.",
            "Inicie sesión con sus credenciales actuales: el nombre de usuario y la contraseña que \
             ya tiene. Si ha olvidado la contraseña, puede elegir otra en la página de inicio de \
             sesión.",
        ],
        button: "Ir al Portal de clientes",
        terms: Terms::Lasting,
        doubt: "¿No esperaba este mensaje?",
        advice: "Póngase en contacto con {practice} por la vía habitual.",
    },
    password_reset: Mail {
        subject: "Elija una contraseña nueva para el portal de clientes de {practice}",
        preheader: "El enlace que ha pedido.",
        heading: "Elija una contraseña nueva",
        body: &["Se ha pedido una contraseña nueva para su cuenta en el Portal de clientes de \
             {practice}."],
        button: "Elegir una contraseña nueva",
        terms: Terms::SingleUse {
            dated: "Este enlace es solo para usted. Se puede usar una sola vez y caduca el \
                    {expires}.",
            undated: "Este enlace es solo para usted. Se puede usar una sola vez.",
            renewal: "Si ya no funciona, pida otro en la página de inicio de sesión.",
        },
        doubt: "¿No lo ha pedido usted?",
        advice: "Ignore este mensaje. Su contraseña sigue siendo la misma.",
    },
    password_changed: Mail {
        subject: "Se ha cambiado su contraseña del portal de clientes de {practice}",
        preheader: "Si no ha sido usted, póngase en contacto con nosotros.",
        heading: "Se ha cambiado su contraseña",
        body: &[
            "Se ha cambiado la contraseña de su cuenta en el Portal de clientes de {practice}.",
            "Por su seguridad, se han cerrado sus demás sesiones. A partir de ahora, inicie sesión \
             con la contraseña nueva.",
        ],
        button: "Ir al Portal de clientes",
        terms: Terms::Lasting,
        doubt: "¿No ha sido usted?",
        advice: "Póngase en contacto cuanto antes con {practice} por la vía habitual y pida que se \
                 suspenda su acceso.",
    },
    factor_added: Mail {
        subject: "Se ha añadido una forma de entrar en el portal de clientes de {practice}",
        preheader: "Si no ha sido usted, póngase en contacto con nosotros.",
        heading: "Se ha añadido una forma de entrar",
        body: &[
            "Se ha añadido una llave de acceso o una aplicación de autenticación a su cuenta en el Portal de clientes de {practice}.",
            "En la página de su cuenta puede verlas todas y también quitarlas.",
        ],
        button: "Ir al Portal de clientes",
        terms: Terms::Lasting,
        doubt: "¿No ha sido usted?",
        advice: "Póngase en contacto cuanto antes con {practice} por la vía habitual y pida que se suspenda su acceso.",
    },
    factor_removed: Mail {
        subject: "Se ha quitado una forma de entrar en el portal de clientes de {practice}",
        preheader: "Si no ha sido usted, póngase en contacto con nosotros.",
        heading: "Se ha quitado una forma de entrar",
        body: &[
            "Se ha quitado una llave de acceso o la aplicación de autenticación de su cuenta en el Portal de clientes de {practice}.",
            "En la página de su cuenta puede ver las que quedan.",
        ],
        button: "Ir al Portal de clientes",
        terms: Terms::Lasting,
        doubt: "¿No ha sido usted?",
        advice: "Póngase en contacto cuanto antes con {practice} por la vía habitual y pida que se suspenda su acceso.",
    },
    recovery_code_made: Mail {
        subject: "Se ha creado un código de recuperación del portal de clientes de {practice}",
        preheader: "Si no ha sido usted, póngase en contacto con nosotros.",
        heading: "Se ha creado un código de recuperación",
        body: &[
            "Se ha creado un código de recuperación para su cuenta en el Portal de clientes de {practice}. Si tenía otro, ya no sirve.",
        ],
        button: "Ir al Portal de clientes",
        terms: Terms::Lasting,
        doubt: "¿No ha sido usted?",
        advice: "Póngase en contacto cuanto antes con {practice} por la vía habitual y pida que se suspenda su acceso.",
    },
    recovery_code_used: Mail {
        subject: "Se ha usado su código de recuperación del portal de clientes de {practice}",
        preheader: "Si no ha sido usted, póngase en contacto con nosotros.",
        heading: "Se ha usado su código de recuperación",
        body: &[
            "Alguien ha entrado en su cuenta en el Portal de clientes de {practice} con su contraseña y su código de recuperación.",
            "Ese código ya no sirve. Después de entrar se ha mostrado uno nuevo.",
        ],
        button: "Ir al Portal de clientes",
        terms: Terms::Lasting,
        doubt: "¿No ha sido usted?",
        advice: "Póngase en contacto cuanto antes con {practice} por la vía habitual y pida que se suspenda su acceso.",
    },
    factor_reset: Mail {
        subject: "Se ha impreso un código para entrar en el portal de clientes de {practice}",
        preheader: "Si no lo ha pedido, póngase en contacto con nosotros.",
        heading: "Se ha impreso un código para que pueda entrar",
        body: &[
            "{practice} ha impreso un código con el que puede entrar una vez en su Portal de clientes, junto con su contraseña.",
            "Después, en la página de su cuenta, quite lo que ha perdido y añada lo que usa ahora.",
        ],
        button: "Ir al Portal de clientes",
        terms: Terms::Lasting,
        doubt: "¿No ha sido usted?",
        advice: "Póngase en contacto cuanto antes con {practice} por la vía habitual y pida que se suspenda su acceso.",
    },
    email_changed: Mail {
        subject: "Se ha cambiado su dirección de correo del portal de clientes de {practice}",
        preheader: "Desde ahora, los mensajes llegarán a esta dirección.",
        heading: "Se ha cambiado su dirección de correo",
        body: &[
            "Los mensajes sobre su cuenta en el Portal de clientes de {practice} llegarán desde ahora a esta dirección y ya no a la anterior.",
        ],
        button: "Ir al Portal de clientes",
        terms: Terms::Lasting,
        doubt: "¿No esperaba este mensaje?",
        advice: "Póngase en contacto con {practice} por la vía habitual.",
    },
    email_replaced: Mail {
        subject: "Se ha cambiado su dirección de correo del portal de clientes de {practice}",
        preheader: "Si no lo ha pedido usted, póngase en contacto con nosotros.",
        heading: "Se ha cambiado su dirección de correo",
        body: &[
            "Los mensajes sobre su cuenta en el Portal de clientes de {practice} ya no llegarán a esta dirección. Desde ahora se enviarán a otra.",
        ],
        button: "Ir al Portal de clientes",
        terms: Terms::Lasting,
        doubt: "¿No lo ha pedido usted?",
        advice: "Póngase en contacto cuanto antes con {practice} por la vía habitual y pida que se suspenda su acceso.",
    },
    email_confirmation: Mail {
        subject: "Confirme su dirección de correo para el portal de clientes de {practice}",
        preheader: "Un clic, y esta dirección será la suya en el portal.",
        heading: "Confirme su dirección de correo",
        body: &[
            "Alguien ha indicado esta dirección como su nueva dirección de correo en el Portal de clientes de {practice}.",
            "Si ha sido usted, confírmela con el botón. Hasta entonces no cambia nada.",
        ],
        button: "Confirmar esta dirección",
        terms: Terms::SingleUse {
            dated: "Este enlace es solo para usted. Se puede usar una sola vez y caduca el \
                    {expires}.",
            undated: "Este enlace es solo para usted. Se puede usar una sola vez.",
            renewal: "Si ya no funciona, escriba de nuevo la dirección en el portal.",
        },
        doubt: "¿No ha sido usted?",
        advice: "Ignore este mensaje. Sin el enlace, nadie puede usar esta dirección.",
    },
    username_changed: Mail {
        subject: "Se ha cambiado su nombre de usuario del portal de clientes de {practice}",
        preheader: "Desde ahora, inicie sesión con el nuevo nombre.",
        heading: "Se ha cambiado su nombre de usuario",
        body: &[
            "Se ha cambiado el nombre con el que inicia sesión en el Portal de clientes de {practice}.",
            "Si tenía una sesión abierta, se ha cerrado. Si ya ha elegido una contraseña, sigue siendo la misma.",
        ],
        button: "Ir al Portal de clientes",
        terms: Terms::Lasting,
        doubt: "¿No lo ha pedido usted?",
        advice: "Póngase en contacto cuanto antes con {practice} por la vía habitual y pida que se suspenda su acceso.",
    },
    alert: Mail {
        subject: "Hay algo nuevo en el portal de clientes de {practice}",
        preheader: "Inicie sesión para verlo.",
        heading: "Hay algo nuevo",
        body: &["Hay algo nuevo en el Portal de clientes de {practice}. Inicie sesión para verlo."],
        button: "Ir al Portal de clientes",
        terms: Terms::Lasting,
        doubt: "¿No esperaba este mensaje?",
        advice: "Póngase en contacto con {practice} por la vía habitual.",
    },
    inbox: Mail {
        subject: "Portal de clientes de {practice}: nadie ha recibido un aviso",
        preheader: "El aviso ha llegado a este buzón.",
        heading: "Nadie ha recibido un aviso",
        body: &[
            "Hay algo nuevo en el Portal de clientes de {practice}, en la ficha con número de expediente {record}.",
            "No se ha podido avisar a nadie: nadie recibe los avisos de esta ficha, o esa persona no puede recibir este, o ya ha recibido todos los mensajes que admite una dirección.",
        ],
        button: "Abrir la página del cliente",
        terms: Terms::Lasting,
        doubt: "¿Por qué llega aquí?",
        advice: "Los avisos que no pueden llegar a nadie llegan al buzón del centro. En la página del cliente puede ver quién tiene acceso y elegir quién recibe los avisos.",
    },
};

// French sets a no-break space before : and ?, written out so that it is seen.
pub(super) const FRENCH: Words = Words {
    tag: "fr",
    moment: "{day} {month} {year} à {time} {zone}",
    months: [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    first: "1er",
    unnamed_in_subject: "du cabinet",
    unnamed_in_text: "votre cabinet",
    portal: "Portail client",
    greeting: "Bonjour {name},",
    plain_greeting: "Bonjour,",
    sign_in: "Votre nom d’utilisateur\u{a0}: {username}",
    action: "{button}\u{a0}:",
    by_hand: "Si le bouton ne fonctionne pas, copiez cette adresse dans votre navigateur\u{a0}:",
    promise: "Personne chez {practice} ne vous demandera jamais votre mot de passe, ni par e-mail \
              ni autrement.",
    invitation: Mail {
        subject: "Votre invitation au portail client {practice}",
        preheader: "Inscrivez-vous avec votre lien personnel.",
        heading: "Votre invitation au Portail client",
        body: &[
            "Vous avez reçu une invitation à utiliser le Portail client proposé par {practice}.",
            "Pour l’inscription, le nom de famille et la date de naissance du client vous seront \
             demandés\u{a0}: les vôtres, ou ceux de la personne dont vous utiliserez le portail. \
             Vous choisirez ensuite un mot de passe. Si vous avez déjà un compte sur ce portail, \
             utilisez le mot de passe de ce compte.",
        ],
        button: "S’inscrire au Portail client",
        terms: Terms::SingleUse {
            dated: "Ce lien est réservé à votre usage. Il ne peut servir qu’une fois et expire le \
                    {expires}.",
            undated: "Ce lien est réservé à votre usage. Il ne peut servir qu’une fois.",
            renewal: "S’il ne fonctionne plus, demandez une nouvelle invitation à {practice}.",
        },
        doubt: "Vous n’attendiez pas ce message\u{a0}?",
        advice: "N’utilisez pas le lien et ne transférez pas ce message. Contactez {practice} par \
                 votre moyen habituel\u{a0}; tant que personne ne s’inscrit, rien ne se passe.",
    },
    access_granted: Mail {
        subject: "Votre accès au portail client {practice}",
        preheader: "Vous pouvez vous connecter avec vos identifiants actuels.",
        heading: "Votre accès a été accordé",
        body: &[
            "Vous avez maintenant accès au Portail client proposé par {practice}.",
            "Connectez-vous avec vos identifiants actuels\u{a0}: le nom d’utilisateur et le mot de \
             passe que vous avez déjà. Si vous avez oublié le mot de passe, vous pouvez en choisir \
             un nouveau sur la page de connexion.",
        ],
        button: "Aller au Portail client",
        terms: Terms::Lasting,
        doubt: "Vous n’attendiez pas ce message\u{a0}?",
        advice: "Contactez {practice} par votre moyen habituel.",
    },
    password_reset: Mail {
        subject: "Choisissez un nouveau mot de passe pour le portail client {practice}",
        preheader: "Le lien que vous avez demandé.",
        heading: "Choisissez un nouveau mot de passe",
        body: &[
            "Un nouveau mot de passe a été demandé pour votre compte sur le Portail client proposé \
             par {practice}.",
        ],
        button: "Choisir un nouveau mot de passe",
        terms: Terms::SingleUse {
            dated: "Ce lien est réservé à votre usage. Il ne peut servir qu’une fois et expire le \
                    {expires}.",
            undated: "Ce lien est réservé à votre usage. Il ne peut servir qu’une fois.",
            renewal: "S’il ne fonctionne plus, demandez-en un autre sur la page de connexion.",
        },
        doubt: "Vous n’avez rien demandé\u{a0}?",
        advice: "Ignorez ce message. Votre mot de passe reste le même.",
    },
    password_changed: Mail {
        subject: "Votre mot de passe du portail client {practice} a été modifié",
        preheader: "Si ce n’était pas vous, contactez-nous.",
        heading: "Votre mot de passe a été modifié",
        body: &[
            "Le mot de passe de votre compte sur le Portail client proposé par {practice} a été \
             modifié.",
            "Pour votre sécurité, toutes vos autres sessions ont été fermées. Connectez-vous \
             désormais avec le nouveau mot de passe.",
        ],
        button: "Aller au Portail client",
        terms: Terms::Lasting,
        doubt: "Ce n’était pas vous\u{a0}?",
        advice: "Contactez {practice} sans attendre par votre moyen habituel et demandez la \
                 suspension de votre accès.",
    },
    factor_added: Mail {
        subject: "Un moyen de connexion au portail client {practice} a été ajouté",
        preheader: "Si ce n’était pas vous, contactez-nous.",
        heading: "Un moyen de connexion a été ajouté",
        body: &[
            "Une clé d’accès ou une application d’authentification a été ajoutée à votre compte sur le Portail client proposé par {practice}.",
            "La page de votre compte les montre toutes, et permet aussi de les supprimer.",
        ],
        button: "Aller au Portail client",
        terms: Terms::Lasting,
        doubt: "Ce n’était pas vous\u{a0}?",
        advice: "Contactez {practice} sans attendre par votre moyen habituel et demandez la suspension de votre accès.",
    },
    factor_removed: Mail {
        subject: "Un moyen de connexion au portail client {practice} a été supprimé",
        preheader: "Si ce n’était pas vous, contactez-nous.",
        heading: "Un moyen de connexion a été supprimé",
        body: &[
            "Une clé d’accès ou l’application d’authentification a été supprimée de votre compte sur le Portail client proposé par {practice}.",
            "La page de votre compte montre ce qui reste.",
        ],
        button: "Aller au Portail client",
        terms: Terms::Lasting,
        doubt: "Ce n’était pas vous\u{a0}?",
        advice: "Contactez {practice} sans attendre par votre moyen habituel et demandez la suspension de votre accès.",
    },
    recovery_code_made: Mail {
        subject: "Un code de secours pour le portail client {practice} a été créé",
        preheader: "Si ce n’était pas vous, contactez-nous.",
        heading: "Un code de secours a été créé",
        body: &[
            "Un code de secours a été créé pour votre compte sur le Portail client proposé par {practice}. Si vous en aviez un autre, il ne fonctionne plus.",
        ],
        button: "Aller au Portail client",
        terms: Terms::Lasting,
        doubt: "Ce n’était pas vous\u{a0}?",
        advice: "Contactez {practice} sans attendre par votre moyen habituel et demandez la suspension de votre accès.",
    },
    recovery_code_used: Mail {
        subject: "Votre code de secours pour le portail client {practice} a été utilisé",
        preheader: "Si ce n’était pas vous, contactez-nous.",
        heading: "Votre code de secours a été utilisé",
        body: &[
            "Une connexion à votre compte sur le Portail client proposé par {practice} a eu lieu avec votre mot de passe et votre code de secours.",
            "Ce code ne fonctionne plus. Un nouveau a été affiché après la connexion.",
        ],
        button: "Aller au Portail client",
        terms: Terms::Lasting,
        doubt: "Ce n’était pas vous\u{a0}?",
        advice: "Contactez {practice} sans attendre par votre moyen habituel et demandez la suspension de votre accès.",
    },
    factor_reset: Mail {
        subject: "Un code de connexion au portail client {practice} a été imprimé",
        preheader: "Si vous ne l’avez pas demandé, contactez-nous.",
        heading: "Un code de connexion a été imprimé pour vous",
        body: &[
            "{practice} a imprimé un code qui permet une connexion à son Portail client, avec votre mot de passe.",
            "Ensuite, sur la page de votre compte, supprimez ce que vous avez perdu et ajoutez ce que vous utilisez maintenant.",
        ],
        button: "Aller au Portail client",
        terms: Terms::Lasting,
        doubt: "Ce n’était pas vous\u{a0}?",
        advice: "Contactez {practice} sans attendre par votre moyen habituel et demandez la suspension de votre accès.",
    },
    email_changed: Mail {
        subject: "Votre adresse e-mail du portail client {practice} a été modifiée",
        preheader: "Les messages arrivent désormais à cette adresse.",
        heading: "Votre adresse e-mail a été modifiée",
        body: &[
            "Les messages concernant votre compte sur le Portail client proposé par {practice} arrivent désormais à cette adresse, et non plus à la précédente.",
        ],
        button: "Aller au Portail client",
        terms: Terms::Lasting,
        doubt: "Vous n’attendiez pas ce message\u{a0}?",
        advice: "Contactez {practice} par votre moyen habituel.",
    },
    email_replaced: Mail {
        subject: "Votre adresse e-mail du portail client {practice} a été modifiée",
        preheader: "Si vous n’avez rien demandé, contactez-nous.",
        heading: "Votre adresse e-mail a été modifiée",
        body: &[
            "Les messages concernant votre compte sur le Portail client proposé par {practice} n’arrivent plus à cette adresse. Ils sont désormais envoyés à une autre.",
        ],
        button: "Aller au Portail client",
        terms: Terms::Lasting,
        doubt: "Vous n’avez rien demandé\u{a0}?",
        advice: "Contactez {practice} sans attendre par votre moyen habituel et demandez la suspension de votre accès.",
    },
    email_confirmation: Mail {
        subject: "Confirmez votre adresse e-mail pour le portail client {practice}",
        preheader: "Un clic, et cette adresse sera la vôtre sur le portail.",
        heading: "Confirmez votre adresse e-mail",
        body: &[
            "Cette adresse a été indiquée comme nouvelle adresse e-mail sur le Portail client proposé par {practice}.",
            "Si c’était vous, confirmez-la avec le bouton. D’ici là, rien ne change.",
        ],
        button: "Confirmer cette adresse",
        terms: Terms::SingleUse {
            dated: "Ce lien est réservé à votre usage. Il ne peut servir qu’une fois et expire le \
                    {expires}.",
            undated: "Ce lien est réservé à votre usage. Il ne peut servir qu’une fois.",
            renewal: "S’il ne fonctionne plus, saisissez de nouveau l’adresse sur le portail.",
        },
        doubt: "Ce n’était pas vous\u{a0}?",
        advice: "Ignorez ce message. Sans le lien, personne ne peut utiliser cette adresse.",
    },
    username_changed: Mail {
        subject: "Votre nom d’utilisateur du portail client {practice} a été modifié",
        preheader: "Connectez-vous désormais avec le nouveau nom.",
        heading: "Votre nom d’utilisateur a été modifié",
        body: &[
            "Le nom avec lequel vous vous connectez au Portail client proposé par {practice} a été modifié.",
            "Si une session était ouverte, elle a été fermée. Si vous avez déjà choisi un mot de passe, il reste le même.",
        ],
        button: "Aller au Portail client",
        terms: Terms::Lasting,
        doubt: "Vous n’avez rien demandé\u{a0}?",
        advice: "Contactez {practice} sans attendre par votre moyen habituel et demandez la suspension de votre accès.",
    },
    alert: Mail {
        subject: "Du nouveau sur le portail client {practice}",
        preheader: "Connectez-vous pour le voir.",
        heading: "Du nouveau sur le portail",
        body: &[
            "Du nouveau est arrivé sur le Portail client proposé par {practice}. Connectez-vous pour le voir.",
        ],
        button: "Aller au Portail client",
        terms: Terms::Lasting,
        doubt: "Vous n’attendiez pas ce message\u{a0}?",
        advice: "Contactez {practice} par votre moyen habituel.",
    },
    inbox: Mail {
        subject: "Portail client {practice}\u{a0}: personne n’a été averti",
        preheader: "L’alerte est arrivée dans cette boîte.",
        heading: "Personne n’a été averti",
        body: &[
            "Du nouveau est arrivé sur le Portail client proposé par {practice}, dans le dossier numéro {record}.",
            "Personne n’a pu en être averti\u{a0}: personne ne reçoit les alertes de ce dossier, ou cette personne ne peut pas recevoir celle-ci, ou son adresse a déjà reçu tous les messages permis.",
        ],
        button: "Ouvrir la page du client",
        terms: Terms::Lasting,
        doubt: "Pourquoi ce message arrive-t-il ici\u{a0}?",
        advice: "Les alertes qui ne peuvent être envoyées à personne arrivent dans la boîte du cabinet. La page du client montre qui a accès et permet de choisir qui reçoit les alertes.",
    },
};
