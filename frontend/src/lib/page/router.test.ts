import { describe, expect, it } from "vitest";

import { pathOf, Router, viewAt, views } from "./router";

function surface(address: string) {
  const location = new URL(address, "https://hub.test");
  return {
    location,
    history: {
      pushState: (_: unknown, __: string, next: string) => {
        location.href = new URL(next, location).href;
      },
    },
  };
}

describe("the router", () => {
  it.each(views)("finds %s by its path, with and without the last slash", (view) => {
    expect(viewAt(pathOf(view))).toBe(view);
    expect(viewAt(pathOf(view).replace(/(.)\/$/, "$1"))).toBe(view);
  });

  it("knows no view for other paths", () => {
    expect(viewAt("/api/")).toBeNull();
  });

  it("goes to a view and its detail, and follows the address back", () => {
    const window = surface("/?model=m");
    const router = new Router(window);
    expect(router.value).toEqual({ view: "studio", detail: "" });
    router.go("projects", "to do/1");
    expect(window.location.href).toBe("https://hub.test/projects/#to%20do%2F1");
    expect(router.value).toEqual({ view: "projects", detail: "to do/1" });
    window.location.href = "https://hub.test/network/";
    router.follow();
    expect(router.value).toEqual({ view: "network", detail: "" });
  });

  it("takes links to views, and leaves files, other sites and places on the page", () => {
    const router = new Router(surface("/guide/"));
    const takes = (address: string) => router.takes(new URL(address, "https://hub.test/guide/"));
    expect(takes("/network/")).toBe(true);
    expect(takes("/projects/#a")).toBe(true);
    expect(takes("#tokens")).toBe(false);
    expect(takes("/models/m.gguf")).toBe(false);
    expect(takes("https://elsewhere.test/network/")).toBe(false);
  });

  it("shows an address that is no encoding as it is", () => {
    expect(new Router(surface("/projects/#%E0%A4%A")).value.detail).toBe("%E0%A4%A");
  });
});
