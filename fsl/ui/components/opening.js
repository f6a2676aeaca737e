// Tell the server that a popover is open: its content, and so this script, is in the page only while it is.
const SECONDS = 10; // until it is told again, should the content not have come; doubled each time

export default function ({ parentElement, setTriggerValue }) {
  if (parentElement.isWaiting) return;
  parentElement.isWaiting = true;
  let seconds = SECONDS;
  let timer;
  const tell = () => {
    setTriggerValue("opened", true);
    timer = setTimeout(tell, 1000 * seconds);
    seconds *= 2;
  };
  tell();
  return () => {
    parentElement.isWaiting = false;
    clearTimeout(timer);
  };
}
