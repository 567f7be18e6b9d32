// An address or username by which somebody signs in already: the same person, or somebody else who needs a
// username of their own. Two people in one account would see each other's charts.
import { useState } from "preact/hooks";
import { Failure } from "../../api/http";
import { accountIn, type Account, type NewPortalUser } from "../../api/staff";
import { sayName, type PersonName } from "../../messages/name";
import { t } from "../../messages/staff";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Form, TextField, type Invalid } from "../../ui/form";
import { memorable } from "./sheet-names";

export interface Held {
  /** What was asked for. */
  body: NewPortalUser;
  /** Whose it is; undefined where the API only says that it cannot be this person's. */
  account: Account | undefined;
}

/** What is held by another account, if that is why the portal user was refused. */
export const heldIn = (failure: Failure, body: NewPortalUser): Held | undefined =>
  failure.code === "account_exists" || failure.code === "self_twice"
    ? { body, account: failure.code === "account_exists" ? accountIn(failure) : undefined }
    : undefined;

export function SamePerson(props: {
  held: Held;
  /** The name of the chart's client. */
  client: PersonName;
  /** Sends it once more; resolves when it was taken. */
  add: (body: NewPortalUser) => Promise<void>;
  onClose: () => void;
}) {
  const { body } = props.held;
  // A username of their own may be somebody else's, too: then it is asked about that one.
  const [held, setHeld] = useState(props.held);
  const [username, setUsername] = useState(() =>
    // Without an address it stands on a sheet.
    body.email
      ? suggest(body.name)
      : memorable({ first: body.name.first ?? "", last: body.name.last ?? "" }, props.client),
  );
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const { account } = held;
  const name = sayName(body.name);
  const taken = held.body.username ?? held.body.email ?? "";

  const action = useAction(async (sent: NewPortalUser, close: () => void) => {
    try {
      await props.add(sent);
    } catch (thrown) {
      const other = thrown instanceof Failure && heldIn(thrown, sent);
      if (!other) throw thrown;
      return setHeld(other);
    }
    close();
  });

  const somebodyElse = (close: () => void) => {
    const own = username.trim();
    const found = own ? [] : [{ field: "username", message: t("same.need") }];
    setInvalid(found);
    if (!found.length) void action.run({ ...body, username: own }, close);
  };

  return (
    <Dialog
      title={t(account ? "same.title" : "same.selfTitle")}
      wide
      busy={action.busy}
      onClose={props.onClose}
    >
      {(close) => (
        <Form invalid={invalid} failure={action.failure} onSubmit={() => somebodyElse(close)}>
          {account ? (
            <>
              <p class="breaks">{t("same.who", { username: taken, name: sayName(account.name) })}</p>
              {account.charts.length > 0 && <Charts of={account} />}
            </>
          ) : (
            <p class="breaks">{t("same.self", { username: taken })}</p>
          )}
          <p class="muted breaks">{t("same.else", { name })}</p>
          <TextField
            name="username"
            label={t("same.username", { name })}
            verbatim
            value={username}
            onInput={setUsername}
          />
          <div class="actions">
            <Button onClick={close}>{t("cancel")}</Button>
            {account && (
              <Button
                busy={action.busy}
                onClick={() => void action.run({ ...held.body, samePerson: true }, close)}
              >
                {t("same.same")}
              </Button>
            )}
            <Button kind="primary" type="submit" busy={action.busy}>
              {t("same.other", { username: username.trim() || "…" })}
            </Button>
          </div>
        </Form>
      )}
    </Dialog>
  );
}

const Charts = ({ of: { charts } }: { of: Account }) => (
  <>
    <p>{t("same.charts", { count: charts.length })}</p>
    <ul class="bullets">
      {charts.map((chart) => (
        <li key={chart.clientId} class="breaks">
          {sayName(chart.name)}, {t(`relationship.${chart.relationship}`).toLowerCase()}
        </li>
      ))}
    </ul>
  </>
);

/** "wilma.lark": letters and digits that everybody can type. */
function suggest({ first, last }: Pick<NewPortalUser["name"], "first" | "last">): string {
  const parts = [first, last].map((part) =>
    (part ?? "")
      .normalize("NFD")
      .replace(/\p{M}/gu, "")
      .toLowerCase()
      .replace(/[^a-z\d]+/g, ""),
  );
  return parts.filter(Boolean).join(".");
}
