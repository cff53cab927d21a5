import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import type { Violation } from "./layers.ts";
import { REPOSITORY_ROOT } from "./source-file.ts";

/** Last word of a name that holds a secret, or the hash of one. */
const SECRET = /(?:secret|hash|hmac|mac|signature|password|apikey|adminkey|token|credential)$/i;
/** The hashes of the git engine are ids of content, and no secrets. */
const ENGINE = /^server\/(?:git|bench|testing|local\/prepare)\b/;
/** A whole secret or hash looked up by equality in SQL. */
const SQL_EQUALITY = /\b(?:hash|secret|token)\s*=\s*\?/i;
/** `hash` of a session's own row: its reader has come to it by that hash. */
const SQL_ALLOWED: ReadonlySet<string> = new Set(["server/durable/org-sessions.ts"]);

/** Places where a secret, or the hash of one, is compared so that the time tells how much of it was right. */
export function checkSecretComparisons(paths: readonly string[]): readonly Violation[] {
  return paths
    .filter((path) => path.startsWith("server/") && !ENGINE.test(path))
    .flatMap((path) => findSecretComparisons(path, readFileSync(join(REPOSITORY_ROOT, path), "utf8")));
}

/** As {@link checkSecretComparisons}, of one text. */
export function findSecretComparisons(path: string, text: string): readonly Violation[] {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: Violation[] = [];
  const report = (node: ts.Node, message: string) => {
    const line = tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
    found.push({ path, line, message });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isBinaryExpression(node) && isEquality(node.operatorToken.kind)) {
      const sides = [node.left, node.right];
      if (sides.some(isSecret) && !sides.some(isConstant)) {
        report(node, `compares a secret with ${node.operatorToken.getText(tree)}: use equalHashes`);
      }
    }
    if (ts.isStringLiteralLike(node) && SQL_EQUALITY.test(node.text) && !SQL_ALLOWED.has(path)) {
      report(node, "looks a secret up by equality: look up by a prefix, then use equalHashes");
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

function isEquality(kind: ts.SyntaxKind): boolean {
  return (
    kind === ts.SyntaxKind.EqualsEqualsEqualsToken ||
    kind === ts.SyntaxKind.ExclamationEqualsEqualsToken ||
    kind === ts.SyntaxKind.EqualsEqualsToken ||
    kind === ts.SyntaxKind.ExclamationEqualsToken
  );
}

function isSecret(node: ts.Expression): boolean {
  if (ts.isIdentifier(node)) return SECRET.test(node.text);
  if (ts.isPropertyAccessExpression(node)) return SECRET.test(node.name.text);
  if (ts.isCallExpression(node)) return ts.isIdentifier(node.expression) && SECRET.test(node.expression.text);
  return ts.isNonNullExpression(node) || ts.isParenthesizedExpression(node)
    ? isSecret(node.expression)
    : false;
}

/** What is compared with it is no secret: null, undefined, a number, a text that stands in the code. */
function isConstant(node: ts.Expression): boolean {
  return (
    node.kind === ts.SyntaxKind.NullKeyword ||
    (ts.isIdentifier(node) && node.text === "undefined") ||
    ts.isStringLiteralLike(node) ||
    ts.isNumericLiteral(node) ||
    ts.isTypeOfExpression(node)
  );
}
