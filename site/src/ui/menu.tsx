// The ⋮ menu: a popover with plain buttons. The platform opens, places and dismisses it.
import { useId, useRef } from "preact/hooks";
import { Dots } from "./icons";

export interface MenuItem {
  label: string;
  danger?: boolean;
  /** Why this cannot be done now; the item stays readable and does nothing. */
  reason?: string | false | undefined;
  onSelect: () => void;
}

/** What is falsy is left out. */
export function Menu({ label, items }: { label: string; items: (MenuItem | false | "" | null | undefined)[] }) {
  const id = useId();
  const opener = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);

  const choose = (item: MenuItem) => {
    if (item.reason) return;
    list.current?.hidePopover();
    // A dialog opened by the item gives the focus back to whatever has it now.
    opener.current?.focus();
    item.onSelect();
  };

  const step = (event: KeyboardEvent) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    list.current?.showPopover();
    const buttons = [...(list.current?.querySelectorAll("button") ?? [])];
    const here = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const next = event.key === "ArrowDown" ? here + 1 : (here < 0 ? buttons.length : here) - 1;
    buttons[(next + buttons.length) % buttons.length]?.focus();
  };

  return (
    <div class="menu" onKeyDown={step}>
      <button ref={opener} type="button" class="menu-button" popovertarget={id} aria-label={label}>
        <Dots />
      </button>
      <div ref={list} id={id} popover="auto" class="menu-list">
        {items.map((item) => item && (
          <button
            key={item.label}
            type="button"
            class={item.danger ? "danger" : undefined}
            aria-disabled={item.reason ? "true" : undefined}
            onClick={() => choose(item)}
          >
            {item.label}
            {item.reason && <small>{item.reason}</small>}
          </button>
        ))}
      </div>
    </div>
  );
}
