// The invitation as it would be sent with the settings on the page. Its words are those of the mails themselves:
// a test of `shared/src/letter` writes them to `shared/invitation.json`, and fails when they have changed since.
import { useId } from "preact/hooks";
import { file } from "../../api/http";
import words from "../../../../shared/invitation.json?url";
import { t } from "../../messages/practice";
import { Loaded, useResource } from "../../ui/resource";
import type { Draft } from "./settings-draft";

interface Words {
  subject: string;
  brand: string;
  heading: string;
  opening: string[];
  button: string;
  terms: string;
  doubt: string;
  advice: string;
  promise: string;
  moment: string;
  months: string[];
  first: string;
}

export function InvitationPreview({ draft }: { draft: Draft }) {
  const all = useResource(() => file<Record<string, Words>>(words));
  const title = useId();
  return (
    <section class="notice preview" aria-labelledby={title}>
      <h3 id={title}>{t("preview.title")}</h3>
      <Loaded of={all} lines={4}>
        {(all) => <Mail words={all[draft.language]} draft={draft} />}
      </Loaded>
    </section>
  );
}

function Mail({ words, draft }: { words: Words | undefined; draft: Draft }) {
  if (!words) return null;
  const slots: Record<string, string> = {
    practice: draft.name,
    name: t("preview.person"),
    expires: sayMoment(words, draft),
  };
  const fill = (text: string) => text.replace(/\{(\w+)\}/g, (whole, slot: string) => slots[slot] ?? whole);
  return (
    <>
      <p class="small">
        {t("preview.from", { sender: draft.senderName })}
        <br />
        {t("preview.subject", { subject: fill(words.subject) })}
      </p>
      <div lang={draft.language}>
        <p>
          <strong>{fill(words.heading)}</strong>
        </p>
        {words.opening.map((text) => (
          <p key={text}>{fill(text)}</p>
        ))}
        <p>
          <strong>[{words.button}]</strong>
        </p>
        <p>{fill(words.terms)}</p>
        <p>
          {fill(words.doubt)} {fill(words.advice)}
        </p>
        <p>{fill(words.promise)}</p>
      </div>
    </>
  );
}

/** When an invitation of now would end, as the mail writes it: in its language, by the practice's clocks. */
function sayMoment(words: Words, draft: Draft): string {
  const days = Number(draft.invitationDays.replace(",", "."));
  const ends = new Date(Date.now() + (Number.isFinite(days) ? days : 0) * 24 * 60 * 60 * 1000);
  const parts = partsIn(ends, draft.timeZone) ?? partsIn(ends, "UTC") ?? {};
  const day = Number(parts["day"]);
  const slots: Record<string, string> = {
    year: parts["year"] ?? "",
    month: words.months[Number(parts["month"]) - 1] ?? "",
    day: day === 1 ? words.first : String(day),
    time: `${parts["hour"]}:${parts["minute"]}`,
    zone: `(${draft.timeZone.split("/").at(-1)?.replaceAll("_", " ")})`,
  };
  return words.moment.replace(/\{(\w+)\}/g, (whole, slot: string) => slots[slot] ?? whole);
}

function partsIn(moment: Date, timeZone: string): Record<string, string> | undefined {
  try {
    const form = new Intl.DateTimeFormat("en-GB", {
      timeZone,
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
    return Object.fromEntries(form.formatToParts(moment).map(({ type, value }) => [type, value]));
  } catch {
    // Not typed to its end yet.
    return undefined;
  }
}
