"""The box's post room: facts up, reference down."""
