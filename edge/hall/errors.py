"""What can't be in the hall: the rule that says no, told by a key that the kiosk has a text for."""


class HallError(Exception):
    """Something wanted of the hall can't be; `key` names the text that says why, `fields` fill it in."""

    def __init__(self, key: str, **fields: object) -> None:
        super().__init__(f"{key} {fields}" if fields else key)
        self.key = key
        self.fields = fields
