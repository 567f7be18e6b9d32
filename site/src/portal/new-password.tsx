import { t } from "../messages/portal";
import { PasswordField, type Invalid } from "../ui/form";
import { advise } from "./strength";

/** What can be seen to be wrong with a password without asking. */
export function shortcomings(password: string, enough: number): Invalid[] {
  if (!password) return [{ field: "password", message: t("new.need") }];
  const short = [...password].length < enough;
  return short ? [{ field: "password", message: t("new.short", { enough }) }] : [];
}

/** A password to be chosen, with advice as one types. Whether it will do, the server says. */
export function NewPasswordField(props: {
  /** The fewest characters that the practice takes. */
  enough: number;
  /** Words about the person that whoever knows them would try. */
  about: readonly string[];
  value: string;
  onInput: (value: string) => void;
}) {
  const { enough } = props;
  const { missing, weakness, piece } = advise(props.value, props.about, enough);
  const sentences = [
    missing > 0
      ? t("advice.length", { length: enough - missing, enough })
      : t(weakness ? "advice.enough" : "advice.good"),
    weakness && t(`advice.${weakness}`, { piece }),
  ];
  return (
    <PasswordField
      label={t("new.label")}
      hint={t("new.hint", { enough })}
      advice={props.value && sentences.filter(Boolean).join(" ")}
      autocomplete="new-password"
      value={props.value}
      onInput={props.onInput}
    />
  );
}
