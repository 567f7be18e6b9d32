// A double click is one click: people make them out of habit, and the second half would hit whatever the
// first one has brought under the pointer, such as the button that does what was only asked for. Taken for
// the whole page, so that nothing on it has to think of them.
export function takeDoubleClicksForOne(): void {
  addEventListener(
    "click",
    (event) => {
      const { target } = event;
      if (event.detail < 2 || !(target instanceof Element) || !target.closest("button, a, summary")) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    { capture: true },
  );
  // Nor does its second half take the focus off the control whose label it hits.
  addEventListener(
    "mousedown",
    (event) => {
      const { target } = event;
      if (event.detail > 1 && target instanceof Element && target.closest("label")) event.preventDefault();
    },
    { capture: true },
  );
}
