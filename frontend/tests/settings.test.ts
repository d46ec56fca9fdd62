// The settings in a real Chromium: what is chosen is kept, and what is kept can be taken away.

import { describe, expect, it } from "vitest";

import { Bench, PICTURES } from "./bench";
import { lookAt } from "./browser";
import { fakeEngine, ready } from "./engine";

const bench = new Bench();

async function openSettings(): Promise<void> {
  await bench.page.goto(`${bench.hub.url}/settings/`);
  await bench.page.getByRole("heading", { level: 1, name: "Asetukset" }).waitFor();
}

const field = (name: string) => bench.page.getByLabel(name, { exact: true });
const press = (name: string) => bench.page.getByRole("button", { name, exact: true }).click();
const kept = () =>
  bench.page.evaluate(
    () => JSON.parse(localStorage.getItem("kipina.settings") ?? "{}") as Record<string, unknown>,
  );

it("look well, and have everything", async () => {
  await openSettings();
  await bench.page.getByText("selain antaa enintään").waitFor();
  await lookAt(bench.page, PICTURES, "settings");
});

describe("choices", () => {
  it("of language and theme are kept over a reload, before anything is shown", async () => {
    await openSettings();
    await bench.page.getByRole("radio", { name: "Vaalea" }).check();
    await bench.page.getByRole("radio", { name: "English" }).check();
    await bench.page.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
    await bench.page.reload({ waitUntil: "commit" });
    await bench.page.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
    const root = bench.page.locator("html");
    expect(await root.getAttribute("data-theme")).toBe("light");
    expect(await root.getAttribute("lang")).toBe("en");
    expect(await bench.page.evaluate(() => getComputedStyle(document.body).colorScheme)).toBe("light");
    await bench.page.getByRole("radio", { name: "Follow the system" }).check();
    await bench.page.emulateMedia({ colorScheme: "dark" });
    expect(await bench.page.evaluate(() => getComputedStyle(document.body).colorScheme)).toBe("dark");
  });

  it("of the computing are those of its view", async () => {
    await openSettings();
    await bench.page.getByRole("switch", { name: "Vain omat kehotteeni" }).check();
    await bench.page.getByLabel("Millä lasketaan?").selectOption("Suoritin");
    await bench.page.getByRole("switch", { name: "Alusta itsestään" }).check();
    await expect.poll(kept).toMatchObject({ onlyOwn: true, compute: "cpu", autoStart: true });
    await bench.page.getByRole("link", { name: "Avaa laskenta", exact: true }).click();
    expect(await bench.page.getByRole("switch", { name: "Vain omat kehotteeni" }).isChecked()).toBe(true);
    expect(await bench.page.getByLabel("Millä lasketaan?").inputValue()).toBe("cpu");
  });

  it("that make no sense are said to, and not kept", async () => {
    await openSettings();
    await field("Lämpötila").fill("5");
    await field("Lämpötila").blur();
    await bench.page.getByText("Luvun pitää olla väliltä 0–2.").waitFor();
    expect(await field("Lämpötila").getAttribute("aria-invalid")).toBe("true");
    await field("Top-k").fill("kymmenen");
    await field("Top-k").blur();
    await bench.page.getByText("Punaisella merkittyjä ei ole tallennettu.").waitFor();
    await lookAt(bench.page, PICTURES, "settings-wrong");
    await bench.page.getByRole("button", { name: "Suomi" }).click();
    await field("Lämpötila").fill("0,3");
    await field("Lämpötila").blur();
    await expect.poll(kept).toMatchObject({ sampling: { temperature: 0.3, top_k: 40 } });
    await press("Palauta oletukset");
    expect(await field("Lämpötila").inputValue()).toBe("0,7");
    expect(await field("Top-k").inputValue()).toBe("40");
    await bench.page.getByText("Arvot ovat oletuksia.").waitFor();
  });
});

describe("the API key", () => {
  it("is hidden until it is shown, kept, sent with prompts and removed", async () => {
    await openSettings();
    await field("Avain").fill(" secret ");
    expect(await field("Avain").getAttribute("type")).toBe("password");
    await press("Näytä");
    expect(await field("Avain").getAttribute("type")).toBe("text");
    await press("Tallenna");
    await bench.page.getByText("Avain on tallessa.").waitFor();
    await bench.page.reload();
    await expect.poll(() => field("Avain").inputValue()).toBe("secret");
    expect(await kept()).toMatchObject({ apiKey: "secret" });
    await press("Poista avain");
    await bench.page.getByText("Avain poistettiin.").waitFor();
    await expect.poll(kept).toMatchObject({ apiKey: null });
  });
});

describe("storage", () => {
  it("tells what there is, and deletes a model after asking", async () => {
    bench.hub.orders.engine = fakeEngine(ready);
    await openSettings();
    await press("Alusta");
    await bench.waitForFace("valmis");
    await press("Pysäytä");
    await bench.page.getByText("1 malli · 3,2 Mt").waitFor();
    await press("Poista: Mallit");
    const dialog = bench.page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Peru" }).click();
    await bench.page.getByText("1 malli · 3,2 Mt").waitFor();
    await press("Poista: Mallit");
    await bench.page.screenshot({ path: `${PICTURES}settings-confirm.png` });
    await dialog.getByRole("button", { name: "Poista", exact: true }).click();
    await bench.page.getByText("Poistettu: mallit.").waitFor();
    await expect
      .poll(() => bench.page.getByRole("button", { name: "Poista: Mallit" }).isDisabled())
      .toBe(true);
  });

  it("can be emptied as a whole", async () => {
    await openSettings();
    await bench.page.getByRole("radio", { name: "Vaalea" }).check();
    await press("Poista kaikki");
    await bench.page.getByRole("dialog").getByRole("button", { name: "Poista", exact: true }).click();
    await expect
      .poll(() => bench.page.evaluate(() => localStorage.getItem("kipina.settings")), { timeout: 15_000 })
      .toBeNull();
    await expect.poll(() => bench.page.locator("html").getAttribute("data-theme")).toBe("dark");
    await bench.page.getByRole("heading", { level: 1, name: "Asetukset" }).waitFor();
  });

  it("that is forbidden leaves the settings usable", async () => {
    await bench.page.addInitScript(() => {
      for (const name of ["localStorage", "sessionStorage"])
        Object.defineProperty(window, name, {
          get: () => {
            throw new DOMException("no", "SecurityError");
          },
        });
      navigator.storage.estimate = () => Promise.reject(new TypeError("no"));
    });
    await openSettings();
    await bench.page.getByText("ei tiedossa").first().waitFor();
    await bench.page.getByRole("radio", { name: "Vaalea" }).check();
    expect(await bench.page.locator("html").getAttribute("data-theme")).toBe("light");
  });
});
