// "Search Clients": an input and, below it, the list of who it may be.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Hit } from "../api/staff";
import { sayDate, sayList } from "../messages/language";
import { sayName } from "../messages/name";
import { t } from "../messages/staff";
import { FailureNote } from "../ui/failure";
import { Found, sayAccess } from "./found";
import { partsOf, reason } from "./matches";
import { expect, recent } from "./recent";
import { SearchSession } from "./search-session";
import { mayChange } from "./session";

const MAC = /Mac|iPhone|iPad/.test(navigator.userAgent);

export function Search() {
  const [search] = useState(() => new SearchSession());
  const [open, setOpen] = useState(false);
  const [found, setFound] = useState<Hit | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);

  useEffect(() => {
    const focusFromAnywhere = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
      event.preventDefault();
      // What lies behind an open dialog cannot take the focus; the dialog is to be answered first.
      if (document.querySelector("dialog[open]")) return;
      input.current?.focus();
      input.current?.select();
      setOpen(true);
    };
    addEventListener("keydown", focusFromAnywhere);
    return () => removeEventListener("keydown", focusFromAnywhere);
  }, []);

  const pick = (hit: Hit) => {
    input.current?.focus();
    setOpen(false);
    setFound(hit);
  };

  const rows = () => [...(box.current?.querySelectorAll<HTMLElement>(".hits button, .hits a") ?? [])];

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && open) {
      event.preventDefault();
      // In this order: the input opens the list when it gets the focus.
      input.current?.focus();
      setOpen(false);
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    setOpen(true);
    // The input is the row above the first one; the list does not run in a circle, so that its end is felt.
    const stops = [input.current, ...rows()];
    const here = stops.indexOf(document.activeElement as HTMLInputElement);
    stops[Math.min(Math.max(here + (event.key === "ArrowDown" ? 1 : -1), 0), stops.length - 1)]?.focus();
  };

  const onEnter = async () => {
    setOpen(true);
    if (search.question.value !== search.answered.value) return search.now();
    const first = search.hits.value[0];
    if (first) pick(first);
  };

  const retry = () => {
    input.current?.focus();
    void search.now();
  };

  // The button for more may be gone when the answer is there: the first new client takes the focus,
  // or the box if there is none.
  const more = async () => {
    const before = search.hits.value.length;
    await search.more();
    setTimeout(() => {
      const gone = !box.current?.contains(document.activeElement);
      (rows()[before] ?? (gone ? input.current : null))?.focus();
    });
  };

  const asking = search.question.value.length > 0;
  const showing = open && (asking || recent.value.length > 0);
  return (
    <>
      <div
        ref={box}
        class="search"
        role="search"
        onKeyDown={onKeyDown}
        onFocusOut={(event) => {
          if (!box.current?.contains(event.relatedTarget as Node | null)) setOpen(false);
        }}
      >
        <label class="sr-only" for="search">
          {t("search.label")}
        </label>
        <input
          ref={input}
          id="search"
          type="search"
          placeholder={t("search.placeholder")}
          autocomplete="off"
          spellcheck={false}
          maxLength={200}
          aria-controls="search-hits"
          aria-keyshortcuts="Control+K Meta+K"
          value={search.text.value}
          onFocus={() => setOpen(true)}
          onInput={(event) => {
            setOpen(true);
            search.type(event.currentTarget.value);
          }}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.isComposing) return;
            event.preventDefault();
            void onEnter();
          }}
        />
        <kbd aria-hidden="true">{t(MAC ? "search.keysMac" : "search.keys")}</kbd>
        <p class="sr-only" aria-live="polite">
          {showing && asking && counted(search)}
        </p>
        <div id="search-hits" class="hits" hidden={!showing}>
          {showing && asking && (
            <Hits search={search} onPick={pick} onRetry={retry} onMore={() => void more()} />
          )}
          {showing && !asking && <Recent onGo={() => setOpen(false)} />}
        </div>
      </div>
      {found && <Found hit={found} onClose={() => setFound(null)} onGo={() => search.clear()} />}
    </>
  );
}

function counted(search: SearchSession): string {
  const count = search.hits.value.length;
  if (search.tooShort.value) return t("search.short");
  if (search.busy.value || search.answered.value !== search.question.value) return "";
  const none = search.cursor.value ? "search.noneYet" : "search.none";
  if (!count) return t(none, { query: search.answered.value });
  const found = t(search.cursor.value ? "search.foundMore" : "search.found", { count });
  return search.ignored.value.length ? `${found}. ${sayIgnored(search)}` : found;
}

const sayIgnored = (search: SearchSession): string =>
  t("search.ignored", { words: sayList(search.ignored.value.map((word) => `“${word}”`)) });

function Hits(props: {
  search: SearchSession;
  onPick: (hit: Hit) => void;
  onRetry: () => void;
  onMore: () => void;
}) {
  const { search } = props;
  if (search.tooShort.value) return <p class="hits-note">{t("search.short")}</p>;
  if (search.failure.value && !search.cursor.value) {
    return <FailureNote failure={search.failure.value} onRetry={props.onRetry} />;
  }
  const { value: query } = search.answered;
  if (query === null) return <p class="hits-note late">{t("load.wait")}</p>;
  const hits = search.hits.value;
  // With several common words, the first ones read may hold nobody.
  if (!hits.length && search.cursor.value) {
    return (
      <>
        <p class="hits-note">{t("search.noneYet", { query })}</p>
        <FailureNote failure={search.failure.value} />
        <More onMore={props.onMore} />
      </>
    );
  }
  if (!hits.length) {
    return (
      <div class="hits-note">
        <p>{t("search.none", { query })}</p>
        <p class="muted">{t("search.noneHint")}</p>
        {mayChange.value && <a href="/clients/new">{t("home.new")}</a>}
      </div>
    );
  }
  return (
    <>
      {search.ignored.value.length > 0 && <p class="hits-note small">{sayIgnored(search)}</p>}
      <ul aria-label={t("search.list")} aria-busy={search.busy.value ? "true" : undefined}>
        {hits.map((hit) => (
          <li key={hit.clientId}>
            <button type="button" onClick={() => props.onPick(hit)}>
              <HitWords hit={hit} query={query} />
            </button>
          </li>
        ))}
      </ul>
      <FailureNote failure={search.failure.value} />
      {search.cursor.value && <More onMore={props.onMore} />}
    </>
  );
}

function More({ onMore }: { onMore: () => void }) {
  return (
    <button type="button" class="more" onClick={onMore}>
      {t("search.more")}
    </button>
  );
}

/** What was found; and, when it was found by something else than what every row shows, by what. */
function HitWords({ hit, query }: { hit: Hit; query: string }) {
  const name = sayName(hit.name);
  const born = sayDate(hit.dateOfBirth);
  const more = [hit.name.preferred, hit.email, hit.phone].filter((text) => !!text);
  const by = reason(query, [name, born, hit.recordNumber], more as string[]);
  return (
    <>
      <span class="breaks">
        <Marked text={name} query={query} />
      </span>{" "}
      <span class="figures">
        <Marked text={born} query={query} />
      </span>
      <small class="breaks">
        <Marked text={hit.recordNumber} query={query} /> · {sayAccess(hit)}
        {hit.closed && <> · {t("search.closed")}</>}
      </small>
      {hit.through && (
        <small class="breaks">
          {t("search.through", {
            name: sayName(hit.through.name),
            relationship: t(`relationship.${hit.through.relationship}`).toLowerCase(),
          })}
        </small>
      )}
      {by && !hit.through && (
        <small class="breaks">
          <Marked text={by} query={query} />
        </small>
      )}
    </>
  );
}

function Marked({ text, query }: { text: string; query: string }) {
  return <>{partsOf(text, query).map((part) => (part.match ? <mark>{part.text}</mark> : part.text))}</>;
}

/** Before anything is typed: the clients opened last, who need no second look before their page opens. */
function Recent({ onGo }: { onGo: () => void }) {
  return (
    <>
      <h2 class="hits-note small">{t("search.recent")}</h2>
      <ul aria-label={t("search.recent")}>
        {recent.value.map((client) => (
          <li key={client.clientId}>
            <a
              href={`/clients/${client.clientId}`}
              onClick={(event) => {
                if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                expect(client);
                onGo();
              }}
            >
              <span class="breaks">{sayName(client.name)}</span>{" "}
              <span class="figures">{sayDate(client.dateOfBirth)}</span>
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}
