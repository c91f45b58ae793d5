/**
 * Compiles files that exist only in memory against the sources, all in one program, and gives back what the
 * compiler says about each.
 */
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';

export const root = resolve(import.meta.dirname, '../..');
export const here = import.meta.dirname;

function baseOptions(): ts.CompilerOptions {
  const read = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...read.config, include: [] }, ts.sys, root);
  return { ...options, noUnusedLocals: false, noUnusedParameters: false };
}

/** The texts of files by absolute path. */
export type Files = ReadonlyMap<string, string>;

/** A program over files in memory and, where they are imported, files on disk. */
export function programOf(
  files: Files,
  change: ts.CompilerOptions = {},
  roots = [...files.keys()],
): ts.Program {
  const options = { ...baseOptions(), ...change };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile, directoryExists } = host;
  const folders = new Set<string>();
  for (const path of files.keys())
    for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder))
      folders.add(folder);
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.directoryExists = (path) => folders.has(path) || (directoryExists?.(path) ?? true);
  host.readFile = (path) => files.get(path) ?? readFile(path);
  host.getSourceFile = (path, version, ...rest) => {
    const text = files.get(path);
    if (text === undefined) return getSourceFile(path, version, ...rest);
    return ts.createSourceFile(path, text, version, true);
  };
  return ts.createProgram({ rootNames: roots, options, host });
}

/** What the compiler says about one file: its errors, each with all its lines, or no text at all. */
export function errorsOf(program: ts.Program, path: string): string {
  const file = program.getSourceFile(path);
  if (!file) return `no file ${path}`;
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
    .map((d) => `TS${d.code} ${ts.flattenDiagnosticMessageText(d.messageText, '\n')}`)
    .join('\n');
}

/** Every error of a program, with the name of its file. */
export function allErrors(program: ts.Program): string[] {
  return ts
    .getPreEmitDiagnostics(program)
    .map((d) => `${d.file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(d.messageText, '\n')}`);
}

/** Emits declarations only; gives the texts by path and what went wrong. */
export function declarationsOf(program: ts.Program): { files: Map<string, string>; errors: string[] } {
  const files = new Map<string, string>();
  const { diagnostics } = program.emit(
    undefined,
    (path, text) => void files.set(path, text),
    undefined,
    true,
  );
  return { files, errors: diagnostics.map((d) => ts.flattenDiagnosticMessageText(d.messageText, '\n')) };
}
