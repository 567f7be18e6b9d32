// A request that failed, said where its cause is: what happened, what to do, and a way to do it.
import { serverTime, type Failure, type FieldProblem } from "../api/http";
import { sayIfKnown, sayLately, sayWait } from "../messages/language";
import { t } from "../messages/shared";
import { Button } from "./button";
import { focusHeading } from "./heading";

/** The catalogue's words for the problem's code come first, because the API's sentence is English only. Those for what
 *  it is about, where it says so, come before them. */
export function sayFailure(failure: Failure): string {
  return (
    sayIfKnown(`failure.${failure.code}.${String(failure.problem["about"])}`) ||
    sayIfKnown(`failure.${failure.code}`, {
      wait: sayWait(failure.retryAfter ?? 60),
      time: sayLately(serverTime() + (failure.retryAfter ?? 60) * 1000),
    }) ||
    failure.detail ||
    t("failure.unknown")
  );
}

/** The failure's own code may be closer to the point than the field's: not only taken, but by whom. A limit is
 *  the number that the API's sentence names, an address the one at its end. */
export function sayField(problem: FieldProblem, { code }: Failure): string {
  const [limit = ""] = /\d+/.exec(problem.message) ?? [];
  const [, address = ""] = /(https?:\S+)\.$/.exec(problem.message) ?? [];
  const say = (of: string) => sayIfKnown(`invalid.${of}`, { limit, address });
  return say(code) ?? say(problem.code) ?? problem.message;
}

/** The note goes when it is tried again, so the focus moves to the heading before its button is gone. */
export function FailureNote({ failure, onRetry }: { failure: Failure | null; onRetry?: () => void }) {
  return (
    <div class="failure" role="alert" hidden={!failure}>
      {failure && (
        <>
          <p>{sayFailure(failure)}</p>
          {failure.status >= 500 && failure.requestId && (
            <p class="small">{t("failure.request", { id: failure.requestId })}</p>
          )}
          {onRetry && (
            <Button
              onClick={() => {
                focusHeading();
                onRetry();
              }}
            >
              {t("load.retry")}
            </Button>
          )}
        </>
      )}
    </div>
  );
}
