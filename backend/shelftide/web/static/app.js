// Small manners: menus that close, errors that are told, a session that ended.
(() => {
  const toasts = document.getElementById("toasts");

  const tell = (text) => {
    const toast = document.createElement("p");
    toast.className = "toast-line";
    toast.textContent = text;
    toasts.append(toast);
    setTimeout(() => toast.remove(), 7000);
  };

  const problemOf = (xhr) => {
    try {
      const problem = JSON.parse(xhr.responseText);
      return [problem.title, problem.hint].filter(Boolean).join(" ");
    } catch {
      return "";
    }
  };

  document.body.addEventListener("htmx:responseError", (event) => {
    const { xhr } = event.detail;
    if (xhr.status === 401) {
      window.location.assign("/sign-in");
      return;
    }
    tell(problemOf(xhr) || toasts.dataset.failed);
  });
  document.body.addEventListener("htmx:sendError", () => tell(toasts.dataset.offline));

  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    if (event.target.closest("[data-theme-toggle]")) window.toggleTheme();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  // Choosing a platform shows its own fields, and only those are sent.
  const showFields = () => {
    const chosen = document.querySelector("[data-connector-choice]:checked");
    for (const group of document.querySelectorAll("[data-connector-fields]")) {
      const mine = chosen !== null && group.dataset.connectorFields === chosen.value;
      group.hidden = !mine;
      group.disabled = !mine;
    }
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-connector-choice]")) showFields();
    if (event.target.matches("[data-file]")) {
      event.target.closest("label").querySelector("[data-file-name]").textContent = event.target.files[0]?.name ?? "";
    }
  });
  showFields();
})();
