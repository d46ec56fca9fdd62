// What happened in a project, in plain sentences.

import type { Formats } from "../i18n/format";
import type { ProjectWords } from "../i18n/projects/fi";
import type { Wait } from "./job";
import type { Failure, Issue, Notice, Share } from "./project";

export interface NoticeSentence {
  text: string;
  /** Others' words, shown as a quotation. */
  detail: { label: string; text: string } | null;
  issues: readonly Issue[];
}

export function noticeSentence(notice: Notice, words: ProjectWords): NoticeSentence {
  const { notes } = words;
  const plain = (text: string): NoticeSentence => ({ text, detail: null, issues: [] });
  switch (notice.kind) {
    case "shortened":
      return plain(notes.shortened(notice.path, sharesText(notice.shares, words)));
    case "plan_refused":
      return {
        ...plain(notes.planRefused),
        detail: { label: notes.planRefusedDetail, text: notice.problem },
      };
    case "file_refused":
      return plain(notes.fileRefused(notice.path, notice.problem));
    case "review_unclear":
      return plain(notes.reviewUnclear);
    case "issues_left":
      return { ...plain(notes.issuesLeft), issues: notice.issues };
    case "lost":
      return { ...plain(notes.lost), detail: { label: notes.lostDetail, text: notice.message } };
  }
}

export function sharesText(shares: readonly (readonly [string, Share])[], words: ProjectWords): string {
  return shares.map(([path, share]) => words.meter.shortenedFile(path, share)).join(", ");
}

/** The same thing said again and again is shown once, where it was said last. */
export function distinct(sentences: readonly NoticeSentence[]): (NoticeSentence & { times: number })[] {
  const counted = new Map<string, NoticeSentence & { times: number }>();
  for (const sentence of sentences) {
    const key = JSON.stringify(sentence);
    const times = (counted.get(key)?.times ?? 0) + 1;
    counted.delete(key);
    counted.set(key, { ...sentence, times });
  }
  return [...counted.values()];
}

export function projectFailureSentence(reason: Failure, words: ProjectWords, formats: Formats): string {
  const { failures } = words;
  switch (reason.kind) {
    case "plan":
      return failures.plan;
    case "file":
      return failures.file(reason.path, reason.problem);
    case "window":
      return failures.window(formats.whole(reason.needed), formats.whole(reason.window));
    case "nobody":
      return failures.nobody(failures.words[reason.message] ?? reason.message);
  }
}

export function waitSentence(wait: Wait, { waits }: ProjectWords): string {
  return wait.for === "node" ? waits.node(wait.model) : waits[wait.for];
}
