// An invitation on paper, for a person without an e-mail address: made, shown this once, printed and handed over.
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { printSheet, type PortalUser } from "../../api/staff";
import { sayName, type PersonName } from "../../messages/name";
import { PAPER, sayUntil, type PaperLanguage } from "../../messages/paper";
import { t } from "../../messages/sheet";
import "../../styles/sheet.css";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Qr } from "../../ui/qr";
import { languages } from "../language";
import { state } from "../session";
import { PaperDialog, type Printing } from "./paper-dialog";
import { mayStand } from "./sheet-names";

type Made = Awaited<ReturnType<typeof printSheet>>;

/** Whom it is for, and the name of the chart's client where the chart does not know it. */
type SheetFor = Printing & { client?: PersonName };

export const PrintSheet = (props: SheetFor) =>
  props.user.status === "active" ? <Enrolled {...props} /> : <NewSheet {...props} />;

/** Who enrolled has a password: what to do when it is forgotten, where no link can be mailed. */
function Enrolled({ user, onClose }: Printing) {
  const who = { name: sayName(user.name), username: user.username };
  return (
    <Dialog title={t("sheet.enrolledTitle", who)} onClose={onClose}>
      {(close) => (
        <>
          <p class="breaks">{t("sheet.enrolled", who)}</p>
          <p>{t("sheet.forgotten", who)}</p>
          <p>{t("sheet.address", who)}</p>
          <div class="actions">
            <Button kind="primary" onClick={close}>
              {t("sheet.close")}
            </Button>
          </div>
        </>
      )}
    </Dialog>
  );
}

function NewSheet(props: SheetFor) {
  const { chart, user } = props;
  const name = sayName(user.name);
  const called = user.name.preferred ?? user.name.first;
  const client = chart.client.value?.name ?? props.client;
  const greets = mayStand({ first: called, last: user.name.last }, client) ? called : "";
  return (
    <PaperDialog
      {...props}
      titles={[t("sheet.title", { name }), t("sheet.made", { name })]}
      wide
      lead={t("sheet.hand", { name })}
      consequences={{
        happens: [t("sheet.happens", { name }), t("sheet.life")],
        ends: [t("sheet.ends")],
        stays: [t("stays.permissions")],
      }}
      lost={t("sheet.lost")}
      action={t("sheet.make")}
      done={t("sheet.done", { name })}
      make={(key) => printSheet(chart.clientId, user.portalUserId, key)}
      secretOf={({ link }) => link}
    >
      {(made, link, onGiven) => (
        <Sheet made={{ ...made, link }} user={user} greets={greets} onGiven={onGiven} />
      )}
    </PaperDialog>
  );
}

/** What is handed over. */
function Sheet(props: {
  made: Made & { link: string };
  user: PortalUser;
  greets: string;
  onGiven: () => void;
}) {
  const { made, user } = props;
  const [language, setLanguage] = useState<PaperLanguage>(made.language);
  const id = useId();
  const begin = useRef<HTMLParagraphElement>(null);
  // The button that made it is gone.
  useLayoutEffect(() => begin.current?.focus(), []);
  const practice = state.value.at === "in" ? state.value.session.practice.name : "";
  // Browsers print the page's title, and this page's is the client's name: it is one of the proofs.
  useLayoutEffect(() => {
    const title = document.title;
    document.title = practice;
    return () => {
      document.title = title;
    };
  }, [practice]);
  return (
    <>
      <p ref={begin} tabIndex={-1}>
        {t("sheet.once")}
      </p>
      <div class="field">
        <label for={id}>{t("sheet.language")}</label>
        <select
          id={id}
          value={language}
          onChange={(event) => setLanguage(event.currentTarget.value as PaperLanguage)}
        >
          {Object.entries(languages.names).map(([tag, name]) => (
            <option key={tag} value={tag} lang={tag}>
              {name}
            </option>
          ))}
        </select>
      </div>
      <Paper
        link={made.link}
        until={made.expiresAt}
        user={user}
        greets={props.greets}
        practice={practice}
        language={language}
      />
      <div class="actions">
        <Button onClick={() => print()}>{t("sheet.print")}</Button>
        <Button kind="primary" onClick={props.onGiven}>
          {t("sheet.given")}
        </Button>
      </div>
    </>
  );
}

/** The sheet itself. It names nobody by the last name, or by an only name, which are proofs. Its link is no anchor: it
 *  is not for the browser of the front desk. */
function Paper(props: {
  link: string;
  until: string;
  user: PortalUser;
  /** Whom it is for; empty where the name may not stand there. */
  greets: string;
  practice: string;
  language: PaperLanguage;
}) {
  const { link, user, language } = props;
  const places: Record<string, string> = {
    practice: props.practice,
    first: props.greets,
    time: sayUntil(language, props.until),
  };
  const say = (key: keyof (typeof PAPER)["en"]) =>
    PAPER[language][key].replace(/\{(\w+)\}/g, (whole, place: string) => places[place] ?? whole);
  return (
    <section class="sheet" lang={language}>
      <h3>{say("title")}</h3>
      {props.greets && <p>{say("greeting")}</p>}
      <p>
        <strong>{say("until")}</strong>
      </p>
      <div class="way">
        <Qr of={link} label={say("picture")} />
        <div>
          <p>{say("scan")}</p>
          <p>{say("type")}</p>
          <p class="address">{link}</p>
        </div>
      </div>
      <h4>{say("need")}</h4>
      <ul>
        <li>{say("names")}</li>
        <li>{say("password")}</li>
        <li>{say("before")}</li>
      </ul>
      <h4>{say("username")}</h4>
      <p class="address">{user.username}</p>
      <p>{say("later")}</p>
      <p class="address">{link.replace(/\/enroll#.*$/, "/sign-in")}</p>
      <p>{say("keep")}</p>
      <p>{say("lost")}</p>
      {!user.email && <p>{say("forgotten")}</p>}
    </section>
  );
}
