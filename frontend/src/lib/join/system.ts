// Which system a visitor sits at, to show its commands first.

export const systems = ["linux", "macos", "windows", "docker"] as const;

export type System = (typeof systems)[number];

/** What browsers tell of the machine; the second is missing from all but Chromium's. */
export interface Telling {
  userAgent: string;
  userAgentData?: { platform: string };
}

/** A phone's owner reads this for another machine: their own kind's, else the commonest. */
export function systemOf({ userAgent, userAgentData }: Telling): System {
  const words = `${userAgentData?.platform ?? ""} ${userAgent}`;
  if (/\bWindows\b/.test(words)) return "windows";
  if (/\b(macOS|Macintosh|iPhone|iPad)\b/.test(words)) return "macos";
  return "linux";
}
