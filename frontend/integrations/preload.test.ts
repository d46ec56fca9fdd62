import { describe, expect, it } from "vitest";

import { withPreloads, type BuiltScript } from "./preload";

const script = (name: string, more: Partial<BuiltScript> = {}): BuiltScript => ({
  file: `_astro/${name}.js`,
  modules: [],
  imports: [],
  styles: [],
  ...more,
});

const built = [
  script("shell", { imports: ["_astro/shared.js", "_astro/taken-away.js"], styles: ["_astro/shell.css"] }),
  script("client", { imports: ["_astro/shared.js"] }),
  script("shared", { imports: ["_astro/svelte.js"] }),
  script("svelte"),
  script("guide", {
    modules: ["/x/src/lib/a.ts", "/x/src/components/guide/GuideView.svelte"],
    imports: ["_astro/shared.js", "_astro/chart.js"],
    styles: ["_astro/guide.css"],
  }),
  script("chart", { imports: ["_astro/guide.js"] }),
  script("other", { modules: ["/x/src/components/network/NetworkView.svelte"] }),
];

const page =
  '<head><link rel="stylesheet" href="/_astro/shell.css"></head>' +
  '<astro-island component-url="/_astro/shell.js" renderer-url="/_astro/client.js"></astro-island>';

describe("the scripts of a page", () => {
  it("are all named, once, with the styles of the view", () => {
    const html = withPreloads(page, "guide/GuideView.svelte", built);
    const named = [...html.matchAll(/modulepreload" href="\/_astro\/(\w+)\.js"/g)].map(([, name]) => name);
    expect(named).toEqual(["shell", "shared", "svelte", "client", "guide", "chart"]);
    expect(html).toContain('<link rel="preload" as="style" href="/_astro/guide.css">');
    expect(html.match(/shell\.css/g)).toHaveLength(1);
  });

  it("are missed where the view is not found", () => {
    expect(() => withPreloads(page, "lost/LostView.svelte", built)).toThrow("LostView");
  });
});
