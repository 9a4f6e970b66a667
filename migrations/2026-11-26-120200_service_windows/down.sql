DROP TABLE service_windows;
