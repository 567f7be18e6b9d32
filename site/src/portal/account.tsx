// The person's own account: what it is, what they change of it, where they are signed in, and who can enter
// their charts. A change of how they enter is a page of its own, which asks for the password again.
import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import * as api from "../api/portal";
import { choose } from "../messages/choice";
import { sayLately } from "../messages/language";
import { t } from "../messages/portal";
import { useAction } from "../ui/action";
import { Button } from "../ui/button";
import { FailureNote } from "../ui/failure";
import { focusHeading } from "../ui/heading";
import { lazyPage } from "../ui/lazy";
import { useResource, type Resource } from "../ui/resource";
import { SessionWarning } from "../ui/session-watch";
import { ChangeEmail, ChangePassword } from "./account-changes";
import { addressOf, watch } from "./door";
import type { FactorChange } from "./factors";
import { Frame } from "./frame";
import { useInside } from "./inside";
import { languages } from "./language";
import { WhoCanEnter } from "./who-can-enter";

/** Beside the page, which is as large as a page may be. */
const Factors = lazyPage(async () => (await import("./factors")).Factors);
const ChangeFactor = lazyPage(async () => (await import("./factors")).ChangeFactor);

export function Account({ practice }: { practice: api.Practice }) {
  const account = useResource(api.account);
  const { now, waiting } = useInside(practice);
  const [changing, change] = useState<"email" | "password" | FactorChange | null>(null);
  const [said, say] = useState("");
  const state = account.state.value;

  if (!now || state.at !== "ready") {
    const failed = now && state.at === "failed";
    return (
      <Frame brand={practice.name} title={t("account.title")} step="wait" wide waiting>
        {failed ? (
          <FailureNote failure={state.failure} onRetry={() => void account.load()} />
        ) : (
          waiting
        )}
      </Frame>
    );
  }
  const back = (done = "") => {
    if (done) void account.load();
    say(done);
    change(null);
  };
  if (changing && typeof changing !== "string") {
    return (
      <>
        <ChangeFactor practice={practice} of={state.value} change={changing} onBack={back} />
        <SessionWarning watch={watch} />
      </>
    );
  }
  if (changing) {
    const Change = changing === "email" ? ChangeEmail : ChangePassword;
    return (
      <>
        <Change practice={practice} of={state.value} onBack={back} />
        <SessionWarning watch={watch} />
      </>
    );
  }
  return (
    <>
      {/* The language is one of the account's own rows. */}
      <Frame brand={practice.name} title={t("account.title")} step="account" wide waiting>
        <p class="notice breaks" role="status" hidden={!said}>
          {said}
        </p>
        <Rows practice={practice} of={account} onChange={change} onSaid={say} />
        <Factors of={state.value} onChange={change} />
        <Sessions of={account} onSaid={say} />
        <WhoCanEnter practice={practice} charts={now.charts} />
        <p class="below">
          <a href={addressOf(practice)}>{t("account.home")}</a>
        </p>
      </Frame>
      <SessionWarning watch={watch} />
    </>
  );
}

function Row(props: { name: string; children: ComponentChildren; action?: ComponentChildren }) {
  return (
    <li>
      <div>
        <strong>{props.name}</strong>
        {props.children}
      </div>
      {props.action}
    </li>
  );
}

function Rows(props: {
  practice: api.Practice;
  of: Resource<api.Account>;
  onChange: (what: "email" | "password") => void;
  onSaid: (said: string) => void;
}) {
  const account = props.of.value;
  const id = useId();
  const speaking = useAction(async (tag: string) => {
    props.of.set(await api.speakTo(tag as api.Account["language"]));
    await choose(tag, languages);
    props.onSaid(t("account.languageSaved"));
  });
  if (!account) return null;
  const button = (what: "email" | "password", label: string, action = t("account.change")) => (
    <Button label={label} onClick={() => props.onChange(what)}>
      {action}
    </Button>
  );
  return (
    <ul class="rows">
      <Row name={t("account.username")}>
        <p class="breaks">{account.username}</p>
        <p class="small">{t("account.usernameHint", { practice: props.practice.name })}</p>
      </Row>
      {account.email ? (
        <Row name={t("account.email")} action={button("email", t("account.changeEmail"))}>
          <p class="breaks">{account.email}</p>
        </Row>
      ) : (
        <Row name={t("account.email")} action={button("email", t("account.addEmail"), t("account.add"))}>
          <p>{t("account.noEmail")}</p>
        </Row>
      )}
      <Row name={t("account.password")} action={button("password", t("account.changePassword"))}>
        <p>{t("account.passwordHint")}</p>
      </Row>
      <li>
        <div>
          <label for={id}>{t("account.language")}</label>
          <FailureNote failure={speaking.failure} />
        </div>
        <select
          id={id}
          value={account.language}
          onChange={(event) => void speaking.run(event.currentTarget.value)}
        >
          {Object.entries(languages.names).map(([tag, name]) => (
            <option key={tag} value={tag} lang={tag}>
              {name}
            </option>
          ))}
        </select>
      </li>
    </ul>
  );
}

function Sessions({ of, onSaid }: { of: Resource<api.Account>; onSaid: (said: string) => void }) {
  const ending = useAction(async (session: string, said: string) => {
    await api.endOwn(session);
    // The button is gone with the session.
    focusHeading();
    onSaid(said);
    await of.load();
  });
  const sessions = of.value?.sessions ?? [];
  const others = sessions.filter((each) => !each.current);
  return (
    <section>
      <h2>{t("account.sessions")}</h2>
      <ul class="rows">
        {sessions.map((each) => (
          <SessionRow
            key={each.sessionId}
            of={each}
            onEnd={() => void ending.run(each.sessionId, t("account.ended"))}
          />
        ))}
      </ul>
      <FailureNote failure={ending.failure} />
      {others.length > 0 && (
        <>
          <p class="small">{t("account.unknown")}</p>
          <Button
            busy={ending.busy}
            onClick={() => void ending.run("others", t("account.endedOthers"))}
          >
            {t("account.endOthers")}
          </Button>
        </>
      )}
    </section>
  );
}

function SessionRow({ of, onEnd }: { of: api.OwnSession; onEnd: () => void }) {
  const { current, beganAt, lastUsedAt, device } = of;
  const time = sayLately(beganAt);
  const said = t(`device.${device}`);
  return (
    <Row
      name={current ? t("account.here") : said}
      action={
        !current && (
          <Button label={t("account.endOf", { device: said, time })} onClick={onEnd}>
            {t("account.end")}
          </Button>
        )
      }
    >
      <p>{current ? t("account.since", { time }) : t("account.used", { time, used: sayLately(lastUsedAt) })}</p>
    </Row>
  );
}
