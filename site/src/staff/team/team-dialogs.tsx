// What changes the staff list: adding a person, editing one, ending sessions, removing. Each says first what comes
// of it.
import { useState } from "preact/hooks";
import { Failure, Submission } from "../../api/http";
import { addMember, editMember, endMemberSessions, removeMember, type Member } from "../../api/staff";
import { t } from "../../messages/team";
import { useAction } from "../../ui/action";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { FailureNote } from "../../ui/failure";
import { Choice, Choices, Form, TextField, type Invalid } from "../../ui/form";
import { ConsequenceLists } from "../client/consequences";
import { Decision } from "../decision";
import { touched } from "../stale";
import { useTyped } from "../typed";
import { draftOf, EMPTY, labelOf, memberEdit, newMember, problems, ROLES, sayValue, type Draft } from "./team-draft";

interface Change {
  member: Member;
  /** Whether it is the person on the page. */
  self: boolean;
  /** After the change, when the dialog is closed: the words for the toast. */
  onDone: (said: string) => void;
  onClose: () => void;
}

export function AddMember(props: Pick<Change, "onDone" | "onClose">) {
  const [submission] = useState(() => new Submission());
  return (
    <MemberForm
      {...props}
      title={t("team.addTitle")}
      base={EMPTY}
      submit={t("team.add")}
      send={async (draft) => {
        const body = newMember(draft);
        const { name } = await addMember(body, submission.keyFor(body));
        return t("team.added", { name });
      }}
    />
  );
}

export function EditMember(props: Omit<Change, "self"> & { onStale: () => Promise<Member | undefined> }) {
  const { member } = props;
  // The version that counts is the newest that was seen; what is sent is what this form changed.
  const [version, setVersion] = useState(member.version);
  const base = draftOf(member);
  return (
    <MemberForm
      {...props}
      title={t("team.editTitle", { name: member.name })}
      base={base}
      submit={t("team.save")}
      send={async (draft) => {
        try {
          const { name } = await editMember(member.staffId, memberEdit(version, base, draft));
          return t("team.edited", { name });
        } catch (thrown) {
          if (thrown instanceof Failure && thrown.code === "stale") {
            const now = await props.onStale();
            if (now) setVersion(now.version);
          }
          throw thrown;
        }
      }}
    />
  );
}

function MemberForm(props: {
  title: string;
  base: Draft;
  submit: string;
  send: (draft: Draft) => Promise<string>;
  onDone: (said: string) => void;
  onClose: () => void;
}) {
  const { base } = props;
  const [draft, setDraft] = useTyped<Draft>({ base, label: labelOf, say: sayValue });
  const [invalid, setInvalid] = useState<Invalid[]>([]);
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
  const action = useAction(async (close: () => void) => {
    const said = await props.send(draft);
    close();
    props.onDone(said);
  });
  const moved = base.email !== "" && draft.email.trim() !== base.email;
  return (
    <Dialog
      title={props.title}
      busy={action.busy}
      typed={touched(base, draft).size > 0}
      wide
      onClose={props.onClose}
    >
      {(close) => (
        <Form
          invalid={invalid}
          failure={action.failure}
          onSubmit={() => {
            const found = problems(draft);
            setInvalid(found);
            if (!found.length) void action.run(close);
          }}
        >
          <TextField
            name="name"
            label={t("team.name")}
            value={draft.name}
            autoFocus
            onInput={(name) => set({ name })}
          />
          <TextField
            name="email"
            type="email"
            label={t("team.email")}
            hint={t(moved ? "team.emailMoves" : "team.emailHint")}
            value={draft.email}
            onInput={(email) => set({ email })}
          />
          <Choices name="role" legend={t("team.role")}>
            {ROLES.map((role) => (
              <Choice
                key={role}
                type="radio"
                name="role"
                label={t(`role.${role}`)}
                hint={t(`team.explain.${role}`)}
                checked={draft.role === role}
                onChange={() => set({ role })}
              />
            ))}
          </Choices>
          <Decision close={close}>
            <Button kind="primary" type="submit" busy={action.busy}>
              {props.submit}
            </Button>
          </Decision>
        </Form>
      )}
    </Dialog>
  );
}

export function EndSessions(props: Change) {
  const { member, self } = props;
  const { name } = member;
  const action = useAction(async (close: () => void) => {
    await endMemberSessions(member.staffId);
    close();
    props.onDone(t("team.sessionsEnded", { name }));
  });
  return (
    <Dialog title={t("team.endTitle", { name })} busy={action.busy} onClose={props.onClose}>
      {(close) => (
        <>
          <ConsequenceLists
            of={{
              ends: [t("team.endsSessions"), self && t("team.endsYours")],
              stays: [t("team.staysOnList", { name })],
            }}
          />
          <FailureNote failure={action.failure} />
          <Decision close={close} autoFocusCancel>
            <Button kind="danger" busy={action.busy} onClick={() => void action.run(close)}>
              {t("team.endSessions")}
            </Button>
          </Decision>
        </>
      )}
    </Dialog>
  );
}

export function RemoveMember(props: Change) {
  const { member, self } = props;
  const { name } = member;
  const action = useAction(async (close: () => void) => {
    await removeMember(member.staffId).catch((thrown: unknown) => {
      // Gone already is gone too.
      if (!(thrown instanceof Failure && thrown.status === 404)) throw thrown;
    });
    close();
    props.onDone(t("team.removed", { name }));
  });
  return (
    <Dialog title={t("team.removeTitle", { name })} busy={action.busy} onClose={props.onClose}>
      {(close) => (
        <>
          <ConsequenceLists
            of={{
              ends: [t("team.endsSignIn", { name }), t("team.endsSessions"), self && t("team.endsYours")],
              stays: [t("team.staysDone", { name })],
            }}
          />
          <FailureNote failure={action.failure} />
          <Decision close={close} autoFocusCancel>
            <Button kind="danger" busy={action.busy} onClick={() => void action.run(close)}>
              {t("team.remove")}
            </Button>
          </Decision>
        </>
      )}
    </Dialog>
  );
}
