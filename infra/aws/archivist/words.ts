// The words that metric filters wait for in the logs.

/** Nothing of ours changes or deletes an event, and the table forgets none by itself. */
export const CHANGED = "history was changed";

/** How a look at the archive ends. */
export const CURRENT = "the archive is current";
export const BEHIND = "the archive is behind";
