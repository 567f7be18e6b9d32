// A recovery code, shown once: to be printed or written down.
import type { Practice } from "../api/portal";
import { t } from "../messages/portal";
import { Button } from "../ui/button";
import { Frame } from "./frame";

export function NewCode(props: {
  practice: Practice;
  title: string;
  lead: string;
  code: string;
  onKept: () => void;
}) {
  return (
    <Frame brand={props.practice.name} title={props.title} step="code">
      <p>{props.lead}</p>
      <p class="code">{props.code}</p>
      <p class="small">{t("factor.codeHint", { practice: props.practice.name })}</p>
      <Button wide onClick={() => print()}>
        {t("factor.print")}
      </Button>
      <Button kind="primary" wide onClick={props.onKept}>
        {t("factor.kept")}
      </Button>
    </Frame>
  );
}
