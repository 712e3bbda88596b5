"use strict";
(() => {
  const root = document.documentElement;
  const all = (query, from = document) => [...from.querySelectorAll(query)];
  const by = (id) => document.getElementById(id);

  document.querySelector(".tools").hidden = false;

  // Light, dark, or as the system says. A page that may not keep anything forgets it.
  const themes = ["system", "light", "dark"];
  const keep = (name) => { try { localStorage.setItem("tapcfn-theme", name); } catch { /* not allowed */ } };
  const kept = () => { try { return localStorage.getItem("tapcfn-theme"); } catch { return null; } };
  const wear = (name) => {
    if (name === "system") delete root.dataset.theme; else root.dataset.theme = name;
    by("theme").querySelector("span").textContent = name;
  };
  wear(themes.includes(kept()) ? kept() : "system");
  by("theme").addEventListener("click", () => {
    const now = root.dataset.theme || "system";
    const next = themes[(themes.indexOf(now) + 1) % themes.length];
    wear(next);
    keep(next);
  });

  // Filter: all words must be in an item's text. What holds none that is shown is hidden as well.
  let items = null;
  const title = (group) => group?.querySelector(":scope > summary")?.textContent || "";
  const read = () => items || (items = all(".item").map((one) => ({
    one, text: `${title(one.closest(".item-group"))} ${one.textContent}`.toLowerCase(),
  })));
  const opened = new Set();
  const filter = () => {
    const words = by("find").value.toLowerCase().split(/\s+/).filter(Boolean);
    const bad = by("bad").getAttribute("aria-pressed") === "true";
    const busy = words.length > 0 || bad;
    let shown = 0;
    for (const { one, text } of read()) {
      const fits = words.every((word) => text.includes(word)) && (!bad || one.hasAttribute("data-bad"));
      one.dataset.fits = fits;
      one.hidden = !fits;
      shown += fits;
    }
    for (const group of all(".item-group").reverse()) {
      const inside = all(".item", group);
      const some = inside.some((one) => one.dataset.fits === "true");
      const named = busy && !bad && words.every((word) => title(group).toLowerCase().includes(word));
      const own = group.querySelector(":scope > summary.item");
      if (own && some) own.hidden = false;
      group.hidden = busy && !some && !named;
    }
    for (const fold of all("main details")) {
      const hit = busy && !fold.hidden && fold.querySelector(".item[data-fits='true']:not(summary)");
      if (hit && !fold.open) { fold.open = true; opened.add(fold); }
      if (!busy && opened.delete(fold)) fold.open = false;
    }
    for (const part of all("main > section:not(#verdict)")) {
      part.hidden = busy && !part.querySelector(".item[data-fits='true'], .item-group:not([hidden])");
    }
    by("found").textContent = busy ? `${shown} of ${read().length} shown` : "";
  };
  let soon = 0;
  by("find").addEventListener("input", () => { clearTimeout(soon); soon = setTimeout(filter, 80); });
  by("find").addEventListener("search", filter);
  by("bad").addEventListener("click", () => {
    const on = by("bad").getAttribute("aria-pressed") !== "true";
    by("bad").setAttribute("aria-pressed", String(on));
    filter();
  });
  document.addEventListener("keydown", (event) => {
    const field = by("find");
    if (event.key === "/" && document.activeElement !== field && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      field.focus();
      field.select();
    } else if (event.key === "Escape" && document.activeElement === field) {
      field.value = "";
      filter();
    }
  });

  // Unfold all, for reading and for paper.
  const unfold = (on) => all("main details").forEach((fold) => { fold.open = on; });
  by("fold").addEventListener("click", () => {
    const on = by("fold").getAttribute("aria-pressed") !== "true";
    by("fold").setAttribute("aria-pressed", String(on));
    unfold(on);
  });
  let before = [];
  addEventListener("beforeprint", () => { before = all("main details:not([open])"); unfold(true); });
  addEventListener("afterprint", () => before.forEach((fold) => { fold.open = false; }));

  // A link to something that is folded away opens the way to it.
  const reveal = () => {
    const target = location.hash ? by(location.hash.slice(1)) : null;
    for (let fold = target?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  };
  addEventListener("hashchange", reveal);
  reveal();

  if (navigator.clipboard) {
    for (const button of all(".copy")) {
      button.hidden = false;
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(button.dataset.copy);
          button.textContent = "Copied";
        } catch { button.textContent = "Not allowed"; }
        setTimeout(() => { button.textContent = "Copy"; }, 1500);
      });
    }
  }
})();
