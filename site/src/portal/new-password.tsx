import { t } from "../messages/portal";
import { PasswordField } from "../ui/form";
import { advise, ENOUGH } from "./strength";

/** A password to be chosen, with advice as one types. Whether it will do, the server says. */
export function NewPasswordField(props: {
  /** Words about the person that whoever knows them would try. */
  about: readonly string[];
  value: string;
  onInput: (value: string) => void;
}) {
  const { missing, weakness, piece } = advise(props.value, props.about);
  const sentences = [
    missing > 0
      ? t("advice.length", { length: ENOUGH - missing, enough: ENOUGH })
      : t(weakness ? "advice.enough" : "advice.good"),
    weakness && t(`advice.${weakness}`, { piece }),
  ];
  return (
    <PasswordField
      label={t("new.label")}
      hint={t("new.hint")}
      advice={props.value && sentences.filter(Boolean).join(" ")}
      autocomplete="new-password"
      value={props.value}
      onInput={props.onInput}
    />
  );
}
