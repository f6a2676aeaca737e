// Tell the server that a popover is open: its content, and so this script, is in the page only while it is.
// Streamlit loses a click that another one follows within milliseconds, so look whether anything came of it.
const LOOK_SECONDS = 1;
const IDLE_LOOKS = 2; // with the content still missing although the server is at rest
const MOST_LOOKS = 10; // should it never be at rest; doubled each time, as each click lets a run begin anew

const isAtRest = () => !document.querySelector('[data-test-script-state="running"]');

export default function ({ parentElement, setTriggerValue }) {
  if (parentElement.isWaiting) return;
  parentElement.isWaiting = true;
  let [looks, idle, most] = [0, 0, MOST_LOOKS];
  const tell = () => setTriggerValue("opened", true);
  const look = () => {
    looks += 1;
    idle = isAtRest() ? idle + 1 : 0;
    if (idle < IDLE_LOOKS && looks < most) return;
    most *= looks < most ? 1 : 2;
    [looks, idle] = [0, 0];
    tell();
  };
  tell();
  const timer = setInterval(look, 1000 * LOOK_SECONDS);
  return () => {
    parentElement.isWaiting = false;
    clearInterval(timer);
  };
}
