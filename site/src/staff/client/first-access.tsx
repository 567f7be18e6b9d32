// Access for a client who has none: invites the client to the client's own portal.
import { useState } from "preact/hooks";
import { Failure, Submission } from "../../api/http";
import type { Client, NewPortalUser } from "../../api/staff";
import { sayName } from "../../messages/name";
import { t } from "../../messages/safe";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Choice, Choices, Form, TextField, type Invalid } from "../../ui/form";
import { Decision } from "../decision";
import type { Chart } from "./chart";
import { badEmail, PERMISSIONS } from "./portal-user";
import { allowsMailTo, mailable } from "./safe-address";
import { heldIn, SamePerson, type Held } from "./same-person";

export function FirstAccess(props: {
  chart: Chart;
  client: Client;
  onDone: (said: string) => void;
  onClose: () => void;
}) {
  const { chart, client } = props;
  const name = sayName(client.name);
  const known = mailable(client);
  // null: none of the known ones, but the one typed.
  const [chosen, choose] = useState<string | null>(known[0] ?? null);
  const [typed, type] = useState("");
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const [submission] = useState(() => new Submission());
  const email = chosen ?? typed.trim();
  const unsent = !allowsMailTo(client, email);

  const [held, setHeld] = useState<Held | null>(null);

  const invited = () => t(unsent ? "safe.added" : "activate.invited", { name, email });
  const add = async (body: NewPortalUser) => void (await chart.add(body, submission.keyFor(body)));
  const action = useAction(async (close: () => void) => {
    const { first, last } = client.name;
    const body: NewPortalUser = {
      name: { first, last },
      email,
      relationship: "self" as const,
      permissions: [...PERMISSIONS],
      chartOwner: true,
    };
    try {
      await add(body);
    } catch (thrown) {
      const other = thrown instanceof Failure && heldIn(thrown, body);
      if (!other) throw thrown;
      return setHeld(other);
    }
    close();
    props.onDone(invited());
  });

  const submit = (close: () => void) => {
    const wrong = badEmail(email);
    setInvalid(wrong ? [{ field: "email", message: wrong }] : []);
    if (!wrong) void action.run(close);
  };

  return (
    <Dialog title={t("activate.title")} busy={action.busy} onClose={props.onClose}>
      {(close) => (
        <>
          <Form invalid={invalid} failure={action.failure} onSubmit={() => submit(close)}>
            <p>{t(unsent ? "safe.first" : "activate.first", { name })}</p>
            {known.length === 0 ? (
              <p class="muted">{t(client.emails.length ? "safe.noneKnown" : "activate.noEmail", { name })}</p>
            ) : (
              <Choices name="known" legend={t("activate.where")}>
                {known.map((address) => (
                  <Choice
                    key={address}
                    type="radio"
                    name="address"
                    label={address}
                    checked={chosen === address}
                    onChange={() => choose(address)}
                  />
                ))}
                <Choice
                  type="radio"
                  name="address"
                  label={t("activate.another")}
                  checked={chosen === null}
                  onChange={() => choose(null)}
                />
              </Choices>
            )}
            {chosen === null && (
              <TextField
                name="email"
                type="email"
                label={t("activate.email")}
                hint={unsent && !badEmail(email) && t("safe.notSent", { email })}
                value={typed}
                onInput={type}
                autoFocus={known.length === 0}
              />
            )}
            <Decision close={close}>
              <Button kind="primary" type="submit" busy={action.busy}>
                {t("confirm")}
              </Button>
            </Decision>
          </Form>
          {held && (
            <SamePerson
              held={held}
              client={client.name}
              add={async (body) => {
                await add(body);
                close();
                props.onDone(invited());
              }}
              onClose={() => setHeld(null)}
            />
          )}
        </>
      )}
    </Dialog>
  );
}
