"""IoT Hub's query language: queries over twins and jobs, and conditions over twins and messages."""
