"""Labels of controls that messages mention, so that no message can name a control that the dialog does not have."""

QUALITY = "Quality"
