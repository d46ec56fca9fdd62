// Language and theme before the first paint. The keys are those of src/lib/i18n/language.ts and src/lib/settings/theme.ts.
try {
  const theme = localStorage.getItem("kipina.theme");
  if (theme === "light" || theme === "system") document.documentElement.dataset.theme = theme;
  if (localStorage.getItem("kipina.language") === "en") document.documentElement.lang = "en";
} catch {
  // Without storage the page is dark and Finnish.
}
