import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { VizaviError } from '@vizavi/signaling';
import { readSections } from './sections.ts';
import type { Section } from './sections.ts';

/** A folder that holds more is not meant, or needs another brain. */
const MOST_FILES = 500;
const MOST_FOLDERS = 2000;
/** A search takes up to 0.1 s then, on the thread that signals. */
const MOST_BYTES = 2 * 1024 * 1024;

/**
 * The sections of all Markdown files in a folder and those below it, by path; what begins with a dot is left out.
 *
 * @throws VizaviError `invalid_config` that names the file or folder: missing, unreadable, not UTF-8, too many, too large, no
 *   text at all
 */
export async function readFolder(folder: string): Promise<Section[]> {
  const paths = await findFiles(folder);
  const sections: Section[] = [];
  let bytes = 0;
  for (const path of paths) {
    const name = relative(folder, path);
    const file = await attempt(
      `cannot read ${name} in the knowledge folder ${folder}`,
      readLimited(path, MOST_BYTES - bytes),
    );
    if (file === null) {
      throw invalid(
        `the knowledge folder ${folder} holds more than ${MOST_BYTES / 1024 / 1024} MB of Markdown`,
      );
    }
    bytes += file.length;
    const text = decode(file, `${name} in the knowledge folder ${folder}`);
    for (const section of readSections(text, basename(path))) sections.push(section);
  }
  if (sections.length === 0)
    throw invalid(`the knowledge folder ${folder} holds no Markdown text to answer from`);
  return sections;
}

async function findFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  const waiting = [folder];
  let folders = 0;
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if ((folders += 1) > MOST_FOLDERS) {
      throw invalid(`the knowledge folder ${folder} holds more than ${MOST_FOLDERS} folders`);
    }
    const entries = await attempt(
      `cannot read the knowledge folder ${next}`,
      readdir(next, { withFileTypes: true }),
    );
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
      const path = join(next, entry.name);
      if (entry.isDirectory()) waiting.push(path);
      else if (/\.md$/i.test(entry.name)) found.push(path);
      if (found.length > MOST_FILES) {
        throw invalid(`the knowledge folder ${folder} holds more than ${MOST_FILES} Markdown files`);
      }
    }
  }
  return found.sort();
}

/** Null when it is larger than `most`. */
async function readLimited(path: string, most: number): Promise<Uint8Array | null> {
  const { size } = await stat(path);
  return size > most ? null : readFile(path);
}

function decode(file: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(file);
  } catch (cause) {
    throw new VizaviError('invalid_config', `${what} is not UTF-8 text`, { cause });
  }
}

async function attempt<T>(sentence: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new VizaviError('invalid_config', `${sentence}: ${code ?? message}`, { cause });
  }
}

function invalid(sentence: string): VizaviError {
  return new VizaviError('invalid_config', sentence);
}
