import { expect, it } from "vitest";

import { extractInline } from "./external-inline";

it("moves inline code into two files that the head names, and leaves the rest of the page alone", () => {
  const page =
    "<head><style>a{}</style></head><script>one()</script><p>three</p>" +
    '<script type="module" src="/two.js"></script><script>two()</script><style lang="css">b{}</style>';
  const { html, files } = extractInline(page);
  expect(html).toMatch(
    /^<head><link rel="stylesheet" href="\/_astro\/inline\.\w{8}\.css"><script defer src="\/_astro\/inline\.\w{8}\.js"><\/script><\/head><p>three<\/p><script type="module" src="\/two\.js"><\/script>$/,
  );
  expect([...files.values()].sort()).toEqual(["a{}\nb{}", "one()\ntwo()"]);
});

it("says so where Astro writes something new, instead of changing when it runs", () => {
  expect(() => extractInline('<head></head><script type="module">x()</script>')).toThrow("inline script");
});
