/** The word for which an alarm waits in the log: nothing of ours changes or deletes an event, and the table
 *  forgets none by itself. */
export const CHANGED = "history was changed";
