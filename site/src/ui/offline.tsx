// Says that the line is cut, before somebody finds out by losing patience with a button.
import { useEffect, useState } from "preact/hooks";
import { t } from "../messages/shared";

export function Offline() {
  const [cut, setCut] = useState(!navigator.onLine);
  useEffect(() => {
    const look = () => setCut(!navigator.onLine);
    addEventListener("online", look);
    addEventListener("offline", look);
    return () => {
      removeEventListener("online", look);
      removeEventListener("offline", look);
    };
  }, []);
  return (
    <p class="offline" role="alert" hidden={!cut}>
      {cut && t("offline")}
    </p>
  );
}
