import type { ComponentChildren, Ref } from "preact";

interface ButtonProps {
  children: ComponentChildren;
  kind?: "primary" | "danger" | "plain" | "text" | "danger-text" | undefined;
  type?: "button" | "submit" | undefined;
  /** A request of this button's is on its way. */
  busy?: boolean | undefined;
  /** Not usable now. The button can still be reached and pressed, and the handler says why. */
  off?: boolean | undefined;
  label?: string | undefined;
  describedBy?: string | undefined;
  autoFocus?: boolean | undefined;
  wide?: boolean | undefined;
  onClick?: ((event: MouseEvent) => void) | undefined;
  inner?: Ref<HTMLButtonElement> | undefined;
}

/** Never `disabled`: a dead button loses the focus and tells nobody why. */
export function Button(props: ButtonProps) {
  return (
    <button
      ref={props.inner ?? null}
      type={props.type ?? "button"}
      class={`button ${props.kind ?? "plain"}${props.wide ? " wide" : ""}`}
      aria-disabled={props.off || props.busy ? "true" : undefined}
      aria-busy={props.busy ? "true" : undefined}
      aria-label={props.label}
      aria-describedby={props.describedBy}
      autofocus={props.autoFocus}
      onClick={props.onClick}
    >
      {props.children}
    </button>
  );
}
