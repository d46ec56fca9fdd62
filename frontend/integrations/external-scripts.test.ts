import { expect, it } from "vitest";

import { extractScripts } from "./external-scripts";

it("moves inline scripts into one file that the head names, and leaves the rest of the page alone", () => {
  const page =
    '<head></head><script>one()</script><p>three</p><script type="module" src="/two.js"></script>' +
    "<script>two()</script>";
  const { html, file } = extractScripts(page);
  expect(html).toMatch(
    /^<head><script defer src="\/_astro\/inline\.\w{8}\.js"><\/script><\/head><p>three<\/p><script type="module" src="\/two\.js"><\/script>$/,
  );
  expect(file?.text).toBe("one()\ntwo()");
  expect(html).toContain(`"/${file?.path ?? ""}"`);
});

it("leaves a page without them as it is", () => {
  const page = '<head></head><script src="/two.js"></script>';
  expect(extractScripts(page)).toEqual({ html: page, file: null });
});

it("says so where Astro writes something new, instead of changing when it runs", () => {
  expect(() => extractScripts('<head></head><script type="module">x()</script>')).toThrow("inline script");
});
