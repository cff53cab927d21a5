import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** Top of the repository, absolute. */
export const REPOSITORY_ROOT = join(dirname(fileURLToPath(import.meta.url)), "../../..");

/** One `import`, `export … from`, `import()` or `import("…")` type. */
export interface ImportEdge {
  /** As written: `./x.ts`, `hono`, `node:fs`. */
  readonly specifier: string;
  /** Erased by the compiler: brings no code into a bundle. */
  readonly typeOnly: boolean;
  readonly line: number;
}

/** What the house rules need to know of a file. Paths are relative to the repository, with `/`. */
export interface SourceFile {
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly ImportEdge[];
  /** Names used as types that the file neither declares nor imports: ambient ones. */
  readonly ambientTypes: readonly { readonly name: string; readonly line: number }[];
}

/** Parses `text` as TypeScript; never fails on odd code, which the compiler reports better. */
export function parseSourceFile(path: string, text: string): SourceFile {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const lineOf = (node: ts.Node) => tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
  const imports: ImportEdge[] = [];
  const declared = new Set<string>();
  const typeNames: { name: string; line: number }[] = [];

  const visit = (node: ts.Node): void => {
    const edge = findImport(node);
    if (edge) imports.push({ ...edge, line: lineOf(node) });
    const name = findDeclaredName(node);
    if (name !== null) declared.add(name);
    if (ts.isTypeReferenceNode(node)) {
      typeNames.push({ name: leftmostName(node.typeName), line: lineOf(node) });
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);

  return {
    path,
    lines: text.endsWith("\n") ? text.split("\n").length - 1 : text.split("\n").length,
    imports,
    ambientTypes: typeNames.filter(({ name }) => !declared.has(name)),
  };
}

function findImport(node: ts.Node): Omit<ImportEdge, "line"> | null {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, typeOnly: isTypeOnlyClause(node.importClause) };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, typeOnly: node.isTypeOnly };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    const { literal } = node.argument;
    return ts.isStringLiteral(literal) ? { specifier: literal.text, typeOnly: true } : null;
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [argument] = node.arguments;
    return argument && ts.isStringLiteral(argument) ? { specifier: argument.text, typeOnly: false } : null;
  }
  return null;
}

/** With verbatimModuleSyntax only `import type` vanishes; `import { type X }` leaves a bare import behind. */
function isTypeOnlyClause(clause: ts.ImportClause | undefined): boolean {
  return clause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

function findDeclaredName(node: ts.Node): string | null {
  const named =
    ts.isImportSpecifier(node) ||
    ts.isImportClause(node) ||
    ts.isNamespaceImport(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isTypeParameterDeclaration(node);
  return named && node.name ? node.name.text : null;
}

function leftmostName(name: ts.EntityName): string {
  return ts.isIdentifier(name) ? name.text : leftmostName(name.left);
}

/** Path of the imported file when `specifier` is relative, else null. */
export function resolveRelative(fromPath: string, specifier: string): string | null {
  if (!specifier.startsWith(".")) return null;
  return posix.normalize(posix.join(posix.dirname(fromPath), specifier));
}

/** `hono/body-limit` → `hono`, `@scope/name/x` → `@scope/name`; null for relative and `scheme:` specifiers. */
export function findPackageName(specifier: string): string | null {
  if (specifier.startsWith(".") || specifier.includes(":")) return null;
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] ?? null);
}

/** A test, or something that only tests use: free of the layer rules, never part of a build. */
export function isTestFile(path: string): boolean {
  return /\.test\.ts$/.test(path) || /(^|\/)testing\//.test(path);
}

const SKIPPED = new Set(["node_modules", "dist", ".wrangler", ".coregit"]);

/** Every TypeScript file below the given folders of the repository, in byte order. */
export function readSourceFiles(folders: readonly string[]): SourceFile[] {
  const files: SourceFile[] = [];
  for (const folder of folders) {
    for (const path of listTypeScript(folder)) {
      files.push(parseSourceFile(path, readFileSync(join(REPOSITORY_ROOT, path), "utf8")));
    }
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function listTypeScript(folder: string): string[] {
  return readdirSync(join(REPOSITORY_ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : listTypeScript(path);
    return /\.ts$/.test(entry.name) && !/\.d\.ts$/.test(entry.name) ? [path] : [];
  });
}
