import { describe, expect, it } from "vitest";
import { opened, tokenIn } from "./link";

const TOKEN = `harbor.${"aB3-dE_9".repeat(8)}`;
const LINK = `https://portal.example/harbor/enroll#${TOKEN}`;

describe("a token", () => {
  it.each([
    ["alone", TOKEN],
    ["in its link", LINK],
    ["before a full stop", `${LINK}.`],
    ["in brackets", `<${LINK}>`],
    ["in an HTML attribute", `&lt;a href="${LINK}"&gt;`],
    ["before an encoded space", `${LINK}%20`],
    ["before a bracket and a comma", `(${LINK}),`],
    ["after its name", `${LINK.replace("#", "#token=")}`],
    ["as a parameter among others", `${LINK.replace("#", "?utm=x&token=")}&utm_medium=mail#top`],
    ["behind an encoded #", LINK.replace("#", "%23")],
    ["behind a # encoded twice", LINK.replace("#", "%2523")],
    ["in quoted-printable", LINK.replace("#", "#token=3D")],
    ["with quoted-printable's leftovers", `3D${TOKEN}=20`],
    ["with its dot encoded", LINK.replace(`#harbor.`, "#harbor=2E")],
    ["over two lines of quoted-printable", `${LINK.slice(0, 60)}=\r\n${LINK.slice(60)}`],
    ["over two lines, pasted into one", `${LINK.slice(0, 70)}=${LINK.slice(70)}`],
    ["in a whole mail", `Hello Ann,\n\nyour invitation: ${LINK}\n\nHarbor Practice`],
    [
      "through another site",
      `https://safe.example/?url=${encodeURIComponent(LINK)}&data=05%7C01%7C&sdata=${"Ab3".repeat(20)}%3D`,
    ],
  ])("is found %s", (_, text) => expect(tokenIn(text)).toBe(TOKEN));

  it.each([
    "",
    "harbor",
    "nonsense",
    "https://portal.example/harbor/enroll",
    "a.long.name.of.a.host.example/path",
  ])("is not found in %o", (text) => expect(tokenIn(text)).toBeUndefined());
});

describe("an address", () => {
  const at = (path: string) => opened(new URL(path, "https://portal.example"));
  it.each([
    `/harbor/enroll#${TOKEN}`,
    `/harbor/enroll/#${TOKEN}`,
    `/harbor/enroll%23${TOKEN}`,
    `/harbor/enroll%23${TOKEN}.`,
    `/harbor/enroll%20#${TOKEN}`,
    `/harbor/enroll?token=${TOKEN}`,
    `/harbor/enroll?utm_source=mail#token=${TOKEN}`,
  ])("%s leads to the page with its token", (path) =>
    expect(at(path)).toEqual({ path: "/harbor/enroll", token: TOKEN }),
  );

  it("keeps for the server what is no token, and knows when there is nothing", () => {
    expect(at("/harbor/password#nonsense")).toEqual({ path: "/harbor/password", token: "nonsense" });
    expect(at("/harbor/enroll")).toEqual({ path: "/harbor/enroll", token: "" });
    expect(at("/harbor/enroll%3E")).toEqual({ path: "/harbor/enroll", token: "" });
  });

  it("of another page is left alone", () => {
    for (const path of ["/harbor/", "/harbor/sign-in#x", "/harbor/enrollment", `/harbor/#${TOKEN}`])
      expect(at(path)).toBeUndefined();
  });
});
