// An invitation on paper, for a person without an e-mail address: made, shown this once, printed and handed over.
import { correction, generate } from "lean-qr";
import { toSvgPath } from "lean-qr/extras/svg";
import { useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { printSheet, type PortalUser } from "../../api/staff";
import { sayName, type PersonName } from "../../messages/name";
import { PAPER, sayUntil, type PaperLanguage } from "../../messages/paper";
import { t } from "../../messages/sheet";
import "../../styles/sheet.css";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { FailureNote } from "../../ui/failure";
import type { Said } from "../../ui/toast";
import { Decision } from "../decision";
import { languages } from "../language";
import { state } from "../session";
import { useAccessChange } from "./access-dialogs";
import type { Chart } from "./chart";
import { ConsequenceLists } from "./consequences";
import { mayStand } from "./sheet-names";

type Made = Awaited<ReturnType<typeof printSheet>>;

interface Printing {
  chart: Chart;
  user: PortalUser;
  /** The name of the chart's client, where the chart does not know it. */
  client?: PersonName;
  onDone: (said: Said) => void;
  onClose: () => void;
}

export const PrintSheet = (props: Printing) =>
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

function NewSheet(props: Printing) {
  const { chart, user } = props;
  const name = sayName(user.name);
  const [made, setMade] = useState<Made | null>(null);
  const [lost, setLost] = useState(false);
  // Asked again with it after no answer came, no second sheet is made, and the first is not told again.
  const key = useRef(crypto.randomUUID());
  const action = useAccessChange({
    ...props,
    change: async () => {
      const answer = await printSheet(chart.clientId, user.portalUserId, key.current);
      key.current = crypto.randomUUID();
      setLost(!answer.link);
      setMade(answer);
      // The list says until when the invitation is open.
      void chart.catchUp();
      return null;
    },
  });
  const link = made?.link;
  const called = user.name.preferred ?? user.name.first;
  const client = chart.client.value?.name ?? props.client;
  const greets = mayStand({ first: called, last: user.name.last }, client) ? called : "";
  return (
    <Dialog
      title={t(link ? "sheet.made" : "sheet.title", { name })}
      wide
      busy={action.busy}
      typed={!!link}
      onClose={props.onClose}
    >
      {(close) =>
        made && link ? (
          <Sheet
            made={{ ...made, link }}
            user={user}
            greets={greets}
            onGiven={() => {
              close();
              props.onDone(t("sheet.done", { name }));
            }}
          />
        ) : (
          <>
            <p>{t("sheet.hand", { name })}</p>
            <ConsequenceLists
              of={{
                happens: [t("sheet.happens", { name }), t("sheet.life")],
                ends: [t("sheet.ends")],
                stays: [t("stays.permissions")],
              }}
            />
            <FailureNote failure={action.failure} />
            <p class="error" role="alert">
              {lost && !action.failure && t("sheet.lost")}
            </p>
            <Decision close={close} autoFocusCancel>
              <Button kind="primary" busy={action.busy} onClick={() => void action.run(close)}>
                {t("sheet.make")}
              </Button>
            </Decision>
          </>
        )
      }
    </Dialog>
  );
}

/** What is handed over. Escape does not close it: it would be gone. */
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
  const code = useMemo(() => generate(link, { minCorrectionLevel: correction.M }), [link]);
  const quiet = 4;
  const size = code.size + 2 * quiet;
  return (
    <section class="sheet" lang={language}>
      <h3>{say("title")}</h3>
      {props.greets && <p>{say("greeting")}</p>}
      <p>
        <strong>{say("until")}</strong>
      </p>
      <div class="way">
        <svg viewBox={`${-quiet} ${-quiet} ${size} ${size}`} role="img" aria-label={say("picture")}>
          <path d={toSvgPath(code)} />
        </svg>
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
