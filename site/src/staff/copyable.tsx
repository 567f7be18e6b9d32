// A text to be put somewhere else: shown whole, and copied with a button.
import { useRef } from "preact/hooks";
import { t } from "../messages/staff";
import { Button } from "../ui/button";
import { say } from "../ui/toast";

export function Copyable(props: {
  /** What it is, for the button and for people who do not see it. */
  name: string;
  text: string;
  /** One word or a few, which may break anywhere; else lines that stay as they are. */
  short?: boolean;
}) {
  const { name, text } = props;
  const shown = useRef<HTMLElement>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say(t("copy.done", { name }));
    } catch {
      // Not allowed here, or not by a page without https.
      if (shown.current) getSelection()?.selectAllChildren(shown.current);
      say(t("copy.selected", { name }));
    }
  };
  return (
    <div class={`copyable${props.short ? " short" : ""}`}>
      {props.short ? (
        <code ref={shown}>{text}</code>
      ) : (
        // Reached with the keyboard too, as it may have to be scrolled.
        <pre tabIndex={0} role="region" aria-label={name}>
          <code ref={shown}>{text}</code>
        </pre>
      )}
      <Button label={t("copy.what", { name })} onClick={() => void copy()}>
        {t("copy")}
      </Button>
    </div>
  );
}
