// Words that people read stand in the catalogues, where they are translated, and nowhere else.
import ts from "typescript";
import { expect, it } from "vitest";

const PAGES = import.meta.glob<string>("../{portal,staff,ui}/**/*.tsx", {
  query: "?raw",
  import: "default",
  eager: true,
});
/** Attributes that are read out or shown. */
const SPOKEN = new Set([
  "aria-label",
  "aria-description",
  "aria-roledescription",
  "alt",
  "label",
  "placeholder",
  "title",
]);
const OR = new Set([ts.SyntaxKind.BarBarToken, ts.SyntaxKind.QuestionQuestionToken]);
const hasLetters = (text: string): boolean => /\p{L}/u.test(text.replace(/&\w+;/g, ""));

/** The words found in the file's elements: "line: text". */
function wordsIn(file: string, source: string): string[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const found: string[] = [];
  const note = (node: ts.Node, text: string) => {
    if (!hasLetters(text)) return;
    const { line } = tree.getLineAndCharacterOfPosition(node.getStart());
    found.push(`${file}:${line + 1}: ${text.trim()}`);
  };
  /** Text that an expression may come out as: `on && "text"`, `on ? "text" : other`. */
  const look = (node: ts.Expression | undefined): void => {
    if (!node) return;
    if (ts.isStringLiteralLike(node)) note(node, node.text);
    else if (ts.isTemplateExpression(node)) {
      for (const part of [node.head, ...node.templateSpans.map((span) => span.literal)])
        note(part, part.text);
    } else if (ts.isConditionalExpression(node)) [node.whenTrue, node.whenFalse].forEach(look);
    else if (ts.isBinaryExpression(node)) {
      const { kind } = node.operatorToken;
      if (OR.has(kind)) look(node.left);
      if (OR.has(kind) || kind === ts.SyntaxKind.AmpersandAmpersandToken) look(node.right);
    } else if (ts.isParenthesizedExpression(node)) look(node.expression);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isJsxText(node)) note(node, node.text);
    if (ts.isJsxExpression(node) && !ts.isJsxAttribute(node.parent)) look(node.expression);
    if (ts.isJsxAttribute(node) && SPOKEN.has(node.name.getText())) {
      const { initializer } = node;
      if (initializer && ts.isStringLiteral(initializer)) note(node, initializer.text);
      if (initializer && ts.isJsxExpression(initializer)) look(initializer.expression);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

it("finds no words in the pages' own code", () => {
  const files = Object.entries(PAGES);
  expect(files.length).toBeGreaterThan(20);
  expect(files.flatMap(([file, source]) => wordsIn(file, source))).toEqual([]);
});

it("would find them", () => {
  const source = `
    const page = (
      <p title="One">
        Two &nbsp; {on && "Three"} {on ? \`Four \${n}\` : <b aria-label={"Five"}>·</b>} {t("key")}
        <Field label={late || "Six"} type="text" />
      </p>
    );`;
  const found = wordsIn("page.tsx", source).map((each) => each.split(": ")[1]);
  expect(found).toEqual(["One", "Two &nbsp;", "Three", "Four", "Five", "Six"]);
});
