// Tell the server which tab this is. sessionStorage belongs to one tab, and outlives its reloads.
const PLACE = "few_shot_lab_tab";

// A browser may forbid sessionStorage; such a tab is like a new one after each reload.
const stored = () => {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE)) ?? {};
  } catch {
    return {};
  }
};

const store = (value) => {
  try {
    sessionStorage.setItem(PLACE, JSON.stringify(value));
  } catch {
    // Nothing to do: see above.
  }
};

export default function ({ data, setStateValue }) {
  if (data.secret) {
    store({ secret: data.secret, holds: data.holds, server: data.server });
    return;
  }
  const { secret = "", holds = false, server = "" } = stored();
  setStateValue("told", { asked: data.asked, secret, holds, server });
}
